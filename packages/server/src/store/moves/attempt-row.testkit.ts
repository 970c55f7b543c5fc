import type { AttemptRow } from '../schema.ts';

/** Live, its run started, its hold not ended. */
export const startedAttempt: AttemptRow = {
  ...{
    id: 'a',
    job_id: 'j',
    group_id: 'g',
    forge_id: 'f',
    credential_id: 'c',
    budget_id: '',
    actor: '',
  },
  ...{ owner: 'acme', repo: 'app', workflow_id: 'ci.yml', ref: 'main', inputs_hash: '' },
  ...{ correlation_input: null, labels: '[]', runners: 1, state: 'accepted', claimed_at: 1 },
  ...{
    send_deadline: 2,
    forge_claimed_at: 1,
    forge_send_deadline: 2,
    forge_uncertainty_ms: 0,
    is_named: 0,
    run_id: '7',
    run_url: '',
    matched_by: null,
    run_status: 'queued',
  },
  ...{ run_conclusion: null, run_created_at: 1, run_started_at: 1, run_observed_at: 1 },
  ...{ runner_id: null, runner_name: '', missing_since: null, missing_at: null },
  ...{ gone_since: null, cancel_wanted_at: null, cancel_sent_at: null },
  ...{
    force_cancel_sent_at: null,
    hold_ended_at: null,
    answered_at: null,
    displaced_at: null,
    ended_at: null,
    error_message: '',
  },
};
