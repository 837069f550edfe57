import { DEMO_PASSWORD, DEMO_USERS } from '../demo-accounts.ts';
import type { Account } from './accounts.ts';
import { sourceHash } from './headers.ts';
import type { SignUpFields } from './sign-up.rules.ts';

const STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f3f4f6; color: #111827; }
main { background: #fff; padding: 2rem; border-radius: .75rem; box-shadow: 0 1px 4px #0003; width: min(22rem, 90vw); box-sizing: border-box; }
h1 { margin: 0 0 1rem; font-size: 1.5rem; }
label { display: block; margin-top: .75rem; font-weight: 600; }
input { width: 100%; padding: .5rem; font: inherit; border: 1px solid #6b7280; border-radius: .375rem; box-sizing: border-box; }
button { margin-top: 1.25rem; width: 100%; padding: .6rem; font: inherit; font-weight: 600; color: #fff; background: #1d4ed8; border: 0; border-radius: .375rem; cursor: pointer; }
a { color: #1d4ed8; }
.problem { color: #b91c1c; }
.hint { margin-top: 1.5rem; font-size: .875rem; color: #4b5563; }
ul { margin: .25rem 0 0; padding-left: 1.25rem; }
`;
const SUBMIT = 'document.forms[0].submit();';

/** Hashes for the policy of every page, and of the page that submits itself. */
export const STYLE_HASH = sourceHash(STYLE);
export const SUBMIT_HASH = sourceHash(SUBMIT);

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

function alertOf(problem: string | undefined): string {
  return problem === undefined ? '' : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`;
}

/** The page for an invalid request, for example from a misconfigured client. */
export function errorPage(what: string): string {
  return page('Sign-in failed', alertOf(what));
}

/** The sign-in form of the code flow; it posts to its own address. */
export function signInPage(username: string, problem: string | undefined): string {
  const names = Object.values(DEMO_USERS).map((user) => `<li><code>${escapeHtml(user.username)}</code></li>`);
  return page(
    'Sign in',
    `${alertOf(problem)}
<form method="post">
<label for="username">User name or email address</label>
<input id="username" name="username" autocomplete="username" required autofocus value="${escapeHtml(username)}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Sign in</button>
</form>
<p><a href="?form=sign-up">Create an account</a></p>
<div class="hint">This is the stand-in for Keycloak. The password of each of these users is <code>${escapeHtml(DEMO_PASSWORD)}</code>:
<ul>${names.join('')}</ul></div>`,
  );
}

/** The sign-up form, with Keycloak's field names. */
export function signUpPage(typed: SignUpFields, problem: string | undefined): string {
  const field = (
    name: keyof SignUpFields,
    label: string,
    autocomplete: string,
  ) => `<label for="${name}">${label}</label>
<input id="${name}" name="${name}" autocomplete="${autocomplete}" required value="${escapeHtml(typed[name])}">`;
  const secret = (name: string, label: string) => `<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="password" autocomplete="new-password" required>`;
  return page(
    'Create an account',
    `${alertOf(problem)}
<form method="post" action="?form=sign-up">
${field('username', 'User name', 'username')}
${field('email', 'Email address', 'email')}
${field('firstName', 'First name', 'given-name')}
${field('lastName', 'Last name', 'family-name')}
${secret('password', 'Password')}
${secret('password-confirm', 'The same password again')}
<button type="submit">Create the account</button>
</form>
<p><a href="?form=sign-in">Sign in with an account you have</a></p>
<div class="hint">This is the stand-in for Keycloak. It keeps the account on this machine and sends no mail.</div>`,
  );
}

/** The signed-in user, with a sign-out button; `back` is the address of the page before. */
export function accountPage(
  account: Account | undefined,
  signOut: { readonly action: string; readonly fields: Readonly<Record<string, string>> },
  back: string | undefined,
): string {
  const link = back === undefined ? '' : `<p><a href="${escapeHtml(back)}">Back</a></p>`;
  if (!account) return page('Your account', `<p>You are not signed in.</p>\n${link}`);
  const fields = Object.entries(signOut.fields).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  return page(
    'Your account',
    `<dl>
<dt>Name</dt><dd>${escapeHtml(`${account.firstName} ${account.lastName}`)}</dd>
<dt>User name</dt><dd>${escapeHtml(account.username)}</dd>
<dt>Email address</dt><dd>${escapeHtml(account.email)}</dd>
</dl>
<form method="get" action="${escapeHtml(signOut.action)}">${fields.join('')}<button type="submit">Sign out</button></form>
${link}`,
  );
}

/** Asks the user to confirm a sign-out that no page has proved to be theirs. `form` is the library's. */
export function confirmSignOutPage(form: string): string {
  const button = '<button type="submit" name="logout" value="yes">Sign out</button></form>';
  return page('Sign out', `<p>Do you want to sign out?</p>\n${form.replace('</form>', button)}`);
}

/** Signs out without a question. The button is for browsers without scripts. */
export function signOutAtOncePage(form: string): string {
  const rest =
    '<input type="hidden" name="logout" value="yes"><noscript><button type="submit">Sign out</button></noscript></form>';
  return page('Sign out', `${form.replace('</form>', rest)}\n<script>${SUBMIT}</script>`);
}

/** The page after a sign-out without a redirect. */
export function signedOutPage(): string {
  return page('Signed out', '<p>You are signed out. You can close this page.</p>');
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`;
}
