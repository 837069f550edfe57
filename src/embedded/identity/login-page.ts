import { DEMO_PASSWORD, DEMO_USERS } from '../demo-accounts.ts';

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

/** What a person sees when a page sent him here with a wrong request. */
export function errorPage(what: string): string {
  return page(
    'Sign-in failed',
    `<h1>Sign-in failed</h1>\n<p class="problem" role="alert">${escapeHtml(what)}</p>`,
  );
}

/** The sign-in form of the code flow; it posts back to the address it was read from. */
export function loginPage(username: string, problem: string | undefined): string {
  const names = Object.values(DEMO_USERS).map((user) => `<li><code>${escapeHtml(user.username)}</code></li>`);
  const alert = problem === undefined ? '' : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`;
  return page(
    'Sign in',
    `<h1>Sign in</h1>
${alert}
<form method="post">
<label for="username">User name</label>
<input id="username" name="username" autocomplete="username" required autofocus value="${escapeHtml(username)}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Sign in</button>
</form>
<div class="hint">This is the stand-in for Keycloak. Every user’s password is <code>${escapeHtml(DEMO_PASSWORD)}</code>:
<ul>${names.join('')}</ul></div>`,
  );
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f3f4f6; color: #111827; }
main { background: #fff; padding: 2rem; border-radius: .75rem; box-shadow: 0 1px 4px #0003; width: min(22rem, 90vw); box-sizing: border-box; }
h1 { margin: 0 0 1rem; font-size: 1.5rem; }
label { display: block; margin-top: .75rem; font-weight: 600; }
input { width: 100%; padding: .5rem; font: inherit; border: 1px solid #6b7280; border-radius: .375rem; box-sizing: border-box; }
button { margin-top: 1.25rem; width: 100%; padding: .6rem; font: inherit; font-weight: 600; color: #fff; background: #1d4ed8; border: 0; border-radius: .375rem; cursor: pointer; }
.problem { color: #b91c1c; }
.hint { margin-top: 1.5rem; font-size: .875rem; color: #4b5563; }
ul { margin: .25rem 0 0; padding-left: 1.25rem; }
</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`;
}
