// npm's oidc-provider on loopback, with Microsoft's paths and one person, who says yes
// unless the hint is declines@….
//
// usage: node provider.mjs NODE_MODULES
//
// Prints its port once it listens, and ends when its standard input does. Version 8 is the last that
// runs on the Node.js of Debian 12.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const PERSON = 'ann@study.example';
const TENANT = 'study';

// That it keeps all in memory is what a test wants.
console.warn = () => {};

const library = join(process.argv[2], 'oidc-provider', 'lib', 'index.js');
const { default: Provider, interactionPolicy } = await import(pathToFileURL(library));

const server = createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();

const policy = interactionPolicy.base();
policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);

const page = (ctx, text) => {
  ctx.type = 'html';
  ctx.body = `<!doctype html><title>provider</title>${text}`;
};
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

const provider = new Provider(`http://127.0.0.1:${port}/${TENANT}/v2.0`, {
  clients: [
    {
      client_id: 'postroom-test',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://localhost'],
      response_types: ['code'],
      grant_types: [
        'authorization_code',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
      ],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  cookies: { keys: [randomBytes(32).toString('hex')] },
  jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256', kid: 'test' }] },
  scopes: ['openid', 'offline_access', 'Mail.Send', 'SMTP.Send'],
  claims: { openid: ['sub'], profile: ['preferred_username', 'tid'] },
  // As Microsoft does: who signed in stands in the id token itself.
  conformIdTokenClaims: false,
  findAccount: (_ctx, sub) => ({
    accountId: sub,
    claims: () => ({ sub, preferred_username: sub, tid: TENANT }),
  }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: {
    AccessToken: 3600,
    AuthorizationCode: 60,
    DeviceCode: 600,
    Grant: 86400,
    IdToken: 3600,
    Interaction: 600,
    RefreshToken: 86400,
    Session: 86400,
  },
  routes: {
    authorization: `/${TENANT}/oauth2/v2.0/authorize`,
    token: `/${TENANT}/oauth2/v2.0/token`,
    device_authorization: `/${TENANT}/oauth2/v2.0/devicecode`,
    code_verification: '/device',
  },
  interactions: { policy, url: (_ctx, { uid }) => `/interaction/${uid}` },
  features: {
    devInteractions: { enabled: false },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: (ctx, form, _out, error) =>
        page(ctx, `${form}<p>${error ? 'That code is not known.' : 'Which code?'}</p>`),
      userCodeConfirmSource: (ctx, form) => page(ctx, `${form}<p>Is it yours?</p>`),
      successSource: (ctx) => page(ctx, '<p>The device is signed in.</p>'),
    },
  },
  renderError: (ctx, out) => page(ctx, `<p>${out.error}: ${out.error_description}</p>`),
});

// The person: picks the account, signs in and agrees, or declines under another name, without being
// shown a page.
async function answer(ctx) {
  const { params, prompt, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
  const declines = {
    error: 'access_denied',
    error_description: 'no, says the person',
  };
  const agrees = { select_account: {}, login: { accountId: PERSON } };
  if (prompt.name === 'consent') {
    const grant =
      (grantId && (await provider.Grant.find(grantId))) ||
      new provider.Grant({ accountId: PERSON, clientId: params.client_id });
    grant.addOIDCScope((prompt.details.missingOIDCScope ?? []).join(' '));
    grant.addOIDCClaims(prompt.details.missingOIDCClaims ?? []);
    agrees.consent = { grantId: await grant.save() };
  }
  const result = params.login_hint?.startsWith('declines@') ? declines : agrees;
  ctx.respond = false;
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
}

provider.use(async (ctx, next) => {
  if (ctx.path.startsWith('/interaction/')) return answer(ctx);
  // OpenID Connect gives offline_access to those alone who ask for consent anew; Microsoft does not
  // make that a condition.
  if (ctx.query.prompt) ctx.query = { ...ctx.query, prompt: `${ctx.query.prompt} consent` };
  await next();
  // The default, five seconds, would be most of the test.
  if (ctx.body?.user_code) ctx.body = { ...ctx.body, interval: 1 };
});
provider.on('server_error', (_ctx, error) => console.error(error));

server.on('request', provider.callback());
process.stdin.on('end', () => process.exit()).resume();
console.log(port);
