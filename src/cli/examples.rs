//! Examples below the help of each command.

pub const RUN: &str = "Examples:
  bedrock-top run prompts.jsonl -o results.jsonl --dry-run        what it would reserve, cost and take; sends nothing
  bedrock-top run prompts.jsonl -o results.jsonl --tui            on the simulator, with the console
  bedrock-top run prompts.jsonl -o results.jsonl --target aws --region us-east-1,us-west-2 \\
      --model us.amazon.nova-lite-v1:0 --max-cost 25
  bedrock-top run prompts.jsonl -o results.jsonl --target aws --resume
  bedrock-top run results.failed.jsonl -o second.jsonl            what failed is an input itself
  zcat prompts.jsonl.gz | bedrock-top run - -o results.jsonl";

pub const SIM: &str = "Examples:
  bedrock-top sim --listen 127.0.0.1:4566 --scenario outage.toml
  AWS_ENDPOINT_URL=http://127.0.0.1:4566 aws bedrock list-foundation-models --region us-east-1
  bedrock-top pt list --target http://127.0.0.1:4566 --region us-east-1";

pub const PT: &str = "Examples:
  bedrock-top pt list --target aws --region us-east-1,us-west-2 --expiring 14d
  bedrock-top pt show chat --target aws --region us-east-1
  bedrock-top pt create --help                                    what it needs, and what it asks first";

pub const BATCH: &str = "Examples:
  bedrock-top batch check prompts.jsonl --model us.amazon.nova-lite-v1:0
  bedrock-top batch submit prompts.jsonl --target aws --region us-east-1 --model us.amazon.nova-lite-v1:0 --watch
  bedrock-top batch list --target aws --region us-east-1,us-west-2
  bedrock-top batch fetch --help                                  where results go, and how they are joined";

pub const QUOTAS: &str = "Examples:
  bedrock-top quotas --target aws --region us-east-1 --model us.amazon.nova-lite-v1:0
  bedrock-top quotas list --all --target aws --region us-east-1
  bedrock-top quotas request prompts.jsonl --deadline 6h --target aws --region us-east-1 \\
      --model us.amazon.nova-lite-v1:0 --dry-run";

pub const REPLAY: &str = "Examples:
  bedrock-top replay incident.rec --at 5m
  bedrock-top replay incident.rec --follow                        with the keys that were pressed
  bedrock-top replay incident.rec --at 5m --screenshot minute-5.svg --screen requests";

pub const DOCTOR: &str = "Examples:
  bedrock-top doctor --target aws --region us-east-1 --model us.amazon.nova-lite-v1:0
  bedrock-top doctor --policy run                                 the least policy for it, without asking anybody";

pub const BENCH: &str = "Examples:
  bedrock-top bench --scenario S1 --seeds 5
  bedrock-top bench --gates --out table.md --out table.svg";

pub const CONFIG: &str = "Examples:
  bedrock-top config default > ~/.config/bedrock-top/config.toml
  bedrock-top config check --config new.toml                      every error at once, keys that clash included";

pub const PT_LIST: &str = "Example:
  bedrock-top pt list --target aws --region us-east-1,us-west-2 --expiring 14d";

pub const PT_SHOW: &str = "Example:
  bedrock-top pt show chat --target aws --region us-east-1";

pub const PT_CREATE: &str = "Example:
  bedrock-top pt create --target aws --region us-east-1 --name chat --model amazon.nova-pro-v1:0:24k --units 1";

pub const PT_UPDATE: &str = "Example:
  bedrock-top pt update chat --target aws --region us-east-1 --name chat-eu";

pub const PT_DELETE: &str = "Example:
  bedrock-top pt delete chat --target aws --region us-east-1";

pub const BATCH_CHECK: &str = "Example:
  bedrock-top batch check prompts.jsonl --model us.amazon.nova-lite-v1:0";

pub const BATCH_SUBMIT: &str = "Example:
  bedrock-top batch submit prompts.jsonl --target aws --region us-east-1 --model us.amazon.nova-lite-v1:0 --watch";

pub const BATCH_LIST: &str = "Example:
  bedrock-top batch list --target aws --region us-east-1,us-west-2";

pub const BATCH_SHOW: &str = "Example:
  bedrock-top batch show nightly --target aws --region us-east-1";

pub const BATCH_WATCH: &str = "Example:
  bedrock-top batch watch nightly --target aws --region us-east-1";

pub const BATCH_STOP: &str = "Example:
  bedrock-top batch stop nightly --target aws --region us-east-1";

pub const BATCH_FETCH: &str = "Example:
  bedrock-top batch fetch nightly --target aws --region us-east-1 --folder results";

pub const BATCH_RESUBMIT: &str = "Example:
  bedrock-top batch resubmit nightly --target aws --region us-east-1 --folder results";

pub const QUOTAS_LIST: &str = "Example:
  bedrock-top quotas list --all --target aws --region us-east-1";

pub const QUOTAS_REQUEST: &str = "Example:
  bedrock-top quotas request prompts.jsonl --deadline 6h --target aws --region us-east-1 \\
      --model us.amazon.nova-lite-v1:0 --dry-run";

pub const QUOTAS_STATUS: &str = "Example:
  bedrock-top quotas status --watch --target aws --region us-east-1";

pub const CONFIG_DEFAULT: &str = "Example:
  bedrock-top config default > ~/.config/bedrock-top/config.toml";

pub const CONFIG_CHECK: &str = "Example:
  bedrock-top config check --config new.toml";

pub const CONFIG_PATHS: &str = "Example:
  bedrock-top config paths";

pub const COMPLETIONS: &str = "Example:
  bedrock-top completions bash > ~/.local/share/bash-completion/completions/bedrock-top";

pub const MAN: &str = "Example:
  bedrock-top man > ~/.local/share/man/man1/bedrock-top.1";
