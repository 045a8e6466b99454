// The batch over nodemailer's pool: BATCH PORT CONNECTIONS.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import nodemailer from "nodemailer";

const [folder, port, connections] = process.argv.slice(2);
const template = readFileSync(join(folder, "templates/letter.html"), "utf8");
const [, ...rows] = readFileSync(join(folder, "list.csv"), "utf8").trim().split(/\r?\n/);
const pool = nodemailer.createTransport({
  pool: true,
  maxConnections: Number(connections),
  maxMessages: Infinity,
  host: "127.0.0.1",
  port: Number(port),
  secure: false,
  ignoreTLS: true,
});

await Promise.all(
  rows.map((row) => {
    const [id, name, email] = row.split(",");
    return pool.sendMail({
      from: "Study <study@study.example>",
      to: email,
      subject: `Report for ${name}`,
      html: template.replaceAll("{{ name }}", name).replaceAll("{{ id }}", id),
      attachments: [
        { filename: "report.pdf", path: join(folder, "reports", `${id}.pdf`), contentType: "application/pdf" },
      ],
    });
  }),
);
pool.close();
