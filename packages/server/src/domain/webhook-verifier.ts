/** How a forge's deliveries are believed and read: its adapter knows, and the route that takes them asks. */
import type { WebhookObservation } from './webhook.ts';

/** Names as Node gives them: lower case. */
export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Why a delivery is not looked at any further. `unsigned`: nobody has to believe it. */
export interface WebhookRefusal {
  readonly refused: 'unsigned' | 'malformed';
  /** For who sent it; holds nothing of what was sent. */
  readonly message: string;
}

/** One delivery whose headers are in order: its bytes come next. */
export interface WebhookDelivery {
  /** The same when the forge sends it again. */
  readonly id: string;
  /** The forge's name for it, such as `workflow_job`. To be believed only once signed. */
  readonly event: string;
  /** Each piece of the raw body, in order. */
  take(bytes: Uint8Array): void;
  /** Once, after the last piece: the signature is that of these bytes. Takes the same time whether or not. */
  isSigned(): boolean;
  /** `null`: well formed, and nothing to us. */
  read(body: Uint8Array, contentType: string): WebhookReading;
}

export type WebhookReading =
  | { readonly observation: WebhookObservation | null }
  /** The text names the field. */
  | { readonly problem: string };

/** Where a forge's webhooks come in. Nothing is believed without a signature, so without a secret it is closed. */
export interface WebhookVerifier {
  readonly isOpen: boolean;
  /** What to set to open it. */
  readonly configKey: string;
  begin(headers: WebhookHeaders): WebhookDelivery | WebhookRefusal;
}
