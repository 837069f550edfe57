/** One event of one organiser, on sale. */
export const EVENT = {
  session_id: '293bed3f-c670-42f6-9e28-628cd6fec57a',
  event_id: '3471e132-69f2-4764-ac79-e5ad57111483',
  organization_id: '22a67f04-b918-44ac-9b63-49efe8d34356',
};
