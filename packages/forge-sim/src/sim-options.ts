import type { Profile, ProfileName } from './profiles.ts';

export interface ForgeSimOptions {
  /** Default 0: any free port. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 1. */
  seed?: number;
  /** Default `instant`. */
  profile?: ProfileName | Profile;
  /** `manual`: nothing moves but by `clock.advance`. Default `real`. */
  clock?: 'real' | 'manual';
  /** Epoch ms; default: now. */
  startAt?: number;
  /** As a GitHub Enterprise Server of this version, such as `3.20`. */
  ghes?: string;
  /** Check every request and reply against GitHub's description; default true. */
  validator?: boolean;
}
export interface TokenChange {
  /** Its account is called so from now on, whatever it was called when its runs were made. */
  login?: string;
  valid?: boolean;
  blindTo?: string[];
  unauthorisedBy?: string[];
}
