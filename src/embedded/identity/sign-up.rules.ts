/** The fields of a sign-up form that it shows again. */
export type SignUpFields = Readonly<Record<'username' | 'email' | 'firstName' | 'lastName', string>>;

/** The checked fields of a sign-up form. */
export interface SignUp extends SignUpFields {
  readonly password: string;
}

const USERNAME = /^[a-z0-9][a-z0-9._@-]{2,59}$/;
const EMAIL = /^[^\s@<>"]{1,64}@[^\s@<>"]{1,180}\.[^\s@<>"]{2,60}$/;
const NAME = /^[^\p{Cc}\p{Cf}]{1,100}$/u;
const MIN_PASSWORD_CHARS = 8;
const MAX_PASSWORD_CHARS = 128;

/** Checks a sign-up form; returns its fields, or the problem and how to correct it. */
export function readSignUp(form: URLSearchParams): { readonly signUp: SignUp } | { readonly problem: string } {
  const { username, email, firstName, lastName } = typedFields(form);
  const password = form.get('password') ?? '';
  const signUp = { username: username.toLowerCase(), email: email.toLowerCase(), firstName, lastName, password };
  if (!USERNAME.test(signUp.username))
    return {
      problem: 'The user name must have 3 to 60 characters: letters a to z, digits, and . _ @ - after the first.',
    };
  if (!EMAIL.test(signUp.email)) return { problem: 'The email address must look like name@example.com.' };
  if (!NAME.test(firstName)) return { problem: 'The first name must have 1 to 100 characters.' };
  if (!NAME.test(lastName)) return { problem: 'The last name must have 1 to 100 characters.' };
  if (password.length < MIN_PASSWORD_CHARS || password.length > MAX_PASSWORD_CHARS)
    return { problem: `The password must have ${MIN_PASSWORD_CHARS} to ${MAX_PASSWORD_CHARS} characters.` };
  if (password !== form.get('password-confirm'))
    return { problem: 'The two passwords are not the same. Type the same one twice.' };
  return { signUp };
}

/** The values that are shown again in the form, without the password. */
export function typedFields(form: URLSearchParams): SignUpFields {
  const field = (name: string) => (form.get(name) ?? '').trim();
  return {
    username: field('username'),
    email: field('email'),
    firstName: field('firstName'),
    lastName: field('lastName'),
  };
}
