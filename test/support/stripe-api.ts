/** The embedded Stripe as its dashboard sees it: with the secret key. */
export interface StripeApi {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  get(path: string): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  post(path: string, form?: Record<string, string>): Promise<any>;
  /** All objects of a list, newest first. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  list(path: string): Promise<any[]>;
}

const AUTHORIZATION = { authorization: 'Bearer sk_test_embedded' };

export function stripeApi(url: string): StripeApi {
  const get: StripeApi['get'] = async (path) => (await fetch(`${url}/v1/${path}`, { headers: AUTHORIZATION })).json();
  return {
    get,
    async post(path, form = {}) {
      const body = new URLSearchParams(form);
      const response = await fetch(`${url}/v1/${path}`, { method: 'POST', headers: AUTHORIZATION, body });
      return response.json();
    },
    async list(path) {
      const page = await get(`${path}${path.includes('?') ? '&' : '?'}limit=100`);
      return page.data;
    },
  };
}
