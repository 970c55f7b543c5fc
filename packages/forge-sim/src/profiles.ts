import type { Span } from './random.ts';

/** GitHub's secondary limits, counted per login. Points: a read costs 1, a write 5. */
export interface SecondaryLimits {
  /** Points a minute to one endpoint. */
  perMinutePoints: number;
  /** Content-creating calls; GitHub does not say whether a dispatch is one: here it is. */
  contentPerMinute: number;
  contentPerHour: number;
  /** Requests in flight at a time. */
  concurrent: number;
  /** GitHub answers either. */
  status: 403 | 429;
}

/** How slow the forge is. Every span is drawn from the seed. */
export interface Profile {
  replyMs: Span;
  /** From a dispatch to its run showing up in listings. */
  visibleMs: Span;
  /** From the assignment of a workflow job to its start. */
  pickupMs: Span;
  /** From a cancel to the end of the run's workflow jobs. */
  cancelMs: Span;
  /** From an event to the sending of its webhooks; drawn anew for each delivery. Default: at once. */
  webhookMs?: Span;
  /** How long the forge waits for a runner that vanished with a workflow job. */
  runnerLostMs: number;
  /** `null`: no secondary limits. */
  secondary: SecondaryLimits | null;
}

export const githubSecondaryLimits: Readonly<SecondaryLimits> = {
  perMinutePoints: 900,
  contentPerMinute: 80,
  contentPerHour: 500,
  concurrent: 100,
  status: 403,
};

export const profiles = {
  instant: {
    replyMs: [0, 0],
    visibleMs: [0, 0],
    pickupMs: [0, 0],
    cancelMs: [0, 0],
    webhookMs: [0, 0],
    runnerLostMs: 0,
    secondary: null,
  },
  github: {
    replyMs: [80, 200],
    visibleMs: [1_000, 3_000],
    pickupMs: [1_000, 2_000],
    cancelMs: [1_000, 3_000],
    // GitHub promises neither a delay nor an order of deliveries
    // (docs.github.com/webhooks/testing-and-troubleshooting-webhooks): some overtake others here too.
    webhookMs: [50, 350],
    // A listening runner renews its job every minute; the service gives it up after ten.
    runnerLostMs: 600_000,
    secondary: githubSecondaryLimits,
  },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;
