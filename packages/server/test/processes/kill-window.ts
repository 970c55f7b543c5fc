/** Where a server can be in a dispatch when it dies. Each is its own state of the database and of the forge. */
export const killWindows = [
  'before-claim',
  'claimed-unsent',
  'sent-no-reply',
  'replied-unrecorded',
  'recorded',
] as const;

export type KillWindow = (typeof killWindows)[number];
