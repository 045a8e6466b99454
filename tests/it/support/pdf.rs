//! Small PDFs that a reader can read.

/// A PDF of one page for each list of lines, which it shows in Helvetica, and after them an object
/// with these bytes, which nothing shows.
pub fn pdf(pages: &[&[&str]], filling: &[u8]) -> Vec<u8> {
    let kids: Vec<_> = (0..pages.len())
        .map(|page| format!("{} 0 R", 4 + 2 * page))
        .collect();
    let mut bodies = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {} >>",
            kids.join(" "),
            pages.len()
        )
        .into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_vec(),
    ];
    for (page, lines) in pages.iter().enumerate() {
        bodies.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R \
                 /Resources << /Font << /F 3 0 R >> >> >>",
                5 + 2 * page
            )
            .into_bytes(),
        );
        let mut content = b"BT /F 12 Tf 14 TL 72 760 Td\n".to_vec();
        for line in *lines {
            content.push(b'(');
            for character in line.chars() {
                if "()\\".contains(character) {
                    content.push(b'\\');
                }
                content.push(u8::try_from(character).expect("a letter of Latin-1"));
            }
            content.extend(b") Tj T*\n");
        }
        content.extend(b"ET");
        bodies.push(stream(&content));
    }
    bodies.push(stream(filling));
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        places.push(file.len());
        file.extend(format!("{} 0 obj\n", index + 1).bytes());
        file.extend(body);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    let size = bodies.len() + 1;
    file.extend(format!("xref\n0 {size}\n0000000000 65535 f \n").bytes());
    for place in places {
        file.extend(format!("{place:010} 00000 n \n").bytes());
    }
    file.extend(
        format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes(),
    );
    file
}

fn stream(contents: &[u8]) -> Vec<u8> {
    let mut body = format!("<< /Length {} >>\nstream\n", contents.len()).into_bytes();
    body.extend(contents);
    body.extend(b"\nendstream");
    body
}
