import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type Provider from 'oidc-provider';
import type { Account, Accounts, SignUpRefusal } from './accounts.ts';
import { acceptForms, formOf } from './forms.ts';
import { errorPage, signInPage, signUpPage } from './pages.ts';
import { SIGN_UP_PARAM } from './provider.ts';
import { readSignUp, typedFields } from './sign-up.rules.ts';

const BAD_REQUEST = 400;
const UNAUTHORIZED = 401;
const CONFLICT = 409;
const UNAVAILABLE = 503;
const BUSY = 'Too many people sign in at this moment. Try again in a few seconds.';

const REFUSALS: Readonly<Record<SignUpRefusal, { readonly status: number; readonly problem: string }>> = {
  username_taken: { status: CONFLICT, problem: 'This user name is taken. Choose another one.' },
  email_taken: {
    status: CONFLICT,
    problem: 'An account with this email address exists. Sign in with it, or use another address.',
  },
  full: {
    status: UNAVAILABLE,
    problem: 'This stand-in keeps no more accounts. Sign in as a demo user, or remove its data folder.',
  },
  busy: { status: UNAVAILABLE, problem: BUSY },
};

/** The forms of a sign-in in the code flow: sign in, or sign up and be signed in. */
export function interactionRoutes(scope: FastifyInstance, provider: Provider, accounts: Accounts, mount: string): void {
  const path = `${mount}/interaction/:uid`;

  function send(reply: FastifyReply, html: string, status = 200) {
    return reply
      .code(status)
      .headers({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
      .send(html);
  }

  /** The form to show; undefined when there is no such sign-in, or another browser started it. */
  async function formFor(request: FastifyRequest, reply: FastifyReply) {
    const details = await provider.interactionDetails(request.raw, reply.raw).catch(() => undefined);
    if (!details) return undefined;
    const chosen = new URL(request.url, provider.issuer).searchParams.get('form');
    const isSignUp = chosen === null ? details.params[SIGN_UP_PARAM] !== undefined : chosen === 'sign-up';
    return isSignUp ? 'sign-up' : 'sign-in';
  }

  function finish(request: FastifyRequest, reply: FastifyReply, { sub }: Account) {
    reply.hijack();
    const result = { login: { accountId: sub } };
    return provider.interactionFinished(request.raw, reply.raw, result, { mergeWithLastSubmission: false });
  }

  const ended = (reply: FastifyReply) =>
    send(reply, errorPage('This sign-in has ended. Go back to the page you came from and start again.'), BAD_REQUEST);

  scope.get(path, async (request, reply) => {
    const form = await formFor(request, reply);
    if (!form) return ended(reply);
    const empty = typedFields(new URLSearchParams());
    return send(reply, form === 'sign-up' ? signUpPage(empty, undefined) : signInPage('', undefined));
  });

  scope.register(async (forms) => {
    acceptForms(forms);
    forms.post(path, async (request, reply) => {
      const form = await formFor(request, reply);
      if (!form) return ended(reply);
      const fields = formOf(request);
      if (form === 'sign-in') {
        const username = fields.get('username') ?? '';
        const account = await accounts.authenticate(username, fields.get('password') ?? '');
        if (account === 'busy') return send(reply, signInPage(username, BUSY), UNAVAILABLE);
        if (!account) return send(reply, signInPage(username, 'User name or password is wrong.'), UNAUTHORIZED);
        return finish(request, reply, account);
      }
      const read = readSignUp(fields);
      if ('problem' in read) return send(reply, signUpPage(typedFields(fields), read.problem), BAD_REQUEST);
      const account = await accounts.signUp(read.signUp);
      if (typeof account !== 'string') return finish(request, reply, account);
      const { status, problem } = REFUSALS[account];
      return send(reply, signUpPage(typedFields(fields), problem), status);
    });
  });
}
