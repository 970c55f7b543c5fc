/** The configuration examples of the README that the Go program's users followed, to the letter. */
export const quickStart = `github:
  token: \${GITHUB_TOKEN}  # Or paste token directly

auth:
  basic:
    enabled: true
    users:
      - username: admin
        password: changeme
        role: admin

groups:
  github:
    - id: my-runners
      name: My Runners
      runner_labels:
        - self-hosted
        - linux
      workflow_dispatch_templates:
        - id: my-job
          name: My Workflow
          owner: my-org
          repo: my-repo
          workflow_id: my-workflow.yml
          ref: main
          inputs:
            param1: "value1"
`;

export const sqlite = `database:
  driver: sqlite
  sqlite:
    path: ./dispatchoor.db
`;

export const postgres = `database:
  driver: postgres
  postgres:
    host: localhost
    port: 5432
    user: dispatchoor
    password: \${DB_PASSWORD}
    database: dispatchoor
    sslmode: disable
`;

export const basicAuth = `auth:
  session_ttl: 24h
  basic:
    enabled: true
    users:
      - username: admin
        password: \${ADMIN_PASSWORD}
        role: admin
      - username: viewer
        password: \${VIEWER_PASSWORD}
        role: readonly
`;

export const githubAuth = `auth:
  github:
    enabled: true
    client_id: \${GITHUB_CLIENT_ID}
    client_secret: \${GITHUB_CLIENT_SECRET}
    redirect_url: http://localhost:3000  # Where to redirect after login
    org_role_mapping:
      my-org: admin
    user_role_mapping:
      octocat: admin
`;

export const groups = `groups:
  github:
    - id: sync-tests
      name: Sync Tests
      description: Ethereum sync testing jobs
      runner_labels:
        - self-hosted
        - sync-test
      # Option 1: Inline templates
      workflow_dispatch_templates:
        - id: sync-geth-prysm
          name: Sync Test geth/prysm
          owner: ethpandaops
          repo: syncoor-tests
          workflow_id: syncoor.yaml
          ref: master
          inputs:
            el-client: "geth"
            cl-client: "prysm"
            config: '{"network": "mainnet"}'
      # Option 2: Load templates from local files (paths relative to config file)
      # workflow_dispatch_templates_files:
      #   - templates/hoodi.yaml
      #   - templates/mainnet.yaml
      # Option 3: Load templates from remote URLs
      # workflow_dispatch_templates_urls:
      #   - https://raw.githubusercontent.com/myorg/templates/main/sync-tests.yaml
`;

export const templateFile = `- id: sync-geth-prysm
  name: Sync Test geth/prysm
  owner: ethpandaops
  repo: syncoor-tests
  workflow_id: syncoor.yaml
  ref: master
  inputs:
    el-client: "geth"
    cl-client: "prysm"

- id: sync-geth-lighthouse
  name: Sync Test geth/lighthouse
  owner: ethpandaops
  repo: syncoor-tests
  workflow_id: syncoor.yaml
  ref: master
  inputs:
    el-client: "geth"
    cl-client: "lighthouse"
`;

export const cors = `server:
  cors_origins:
    - https://ui.example.com
`;
