//! The permissions that this program uses: one table, from which `doctor` tries them and the policies are written.

use serde::Serialize;

/// What somebody does with this program; each has a policy of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// `run`: sends a file.
    Run,
    /// The console, with load and a look at everything; it changes nothing in the account.
    Console,
    /// `pt`: provisioned throughput.
    Pt,
    /// `batch`: batch inference jobs.
    Batch,
    /// `quotas`: reads quotas and asks for more.
    Quotas,
    /// `run --publish`: puts metrics of its own into CloudWatch.
    Publish,
}

impl Purpose {
    /// As it is written on a command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Purpose::Run => "run",
            Purpose::Console => "console",
            Purpose::Pt => "pt",
            Purpose::Batch => "batch",
            Purpose::Quotas => "quotas",
            Purpose::Publish => "publish",
        }
    }
}

/// What an action is allowed on: a statement of the policy each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    /// Models and profiles that are called.
    Calls,
    /// Lists, which know no resource.
    Anything,
    /// Provisioned throughput, and what it can be bought for.
    Throughput,
    /// Batch jobs, and the models that they call.
    Jobs,
    /// The bucket of batch jobs.
    Bucket,
    /// The role that batch jobs take on.
    Role,
}

impl On {
    const ALL: [On; 6] = [On::Calls, On::Anything, On::Throughput, On::Jobs, On::Bucket, On::Role];

    const fn sid(self) -> &'static str {
        match self {
            On::Calls => "SendLoad",
            On::Anything => "LookAround",
            On::Throughput => "ProvisionedThroughput",
            On::Jobs => "BatchJobs",
            On::Bucket => "BatchFiles",
            On::Role => "BatchRole",
        }
    }

    const fn resources(self) -> &'static [&'static str] {
        match self {
            On::Calls => &[
                "arn:aws:bedrock:*::foundation-model/*",
                "arn:aws:bedrock:*:*:inference-profile/*",
                "arn:aws:bedrock:*:*:application-inference-profile/*",
                "arn:aws:bedrock:*:*:provisioned-model/*",
            ],
            On::Anything => &["*"],
            On::Throughput => &[
                "arn:aws:bedrock:*::foundation-model/*",
                "arn:aws:bedrock:*:*:custom-model/*",
                "arn:aws:bedrock:*:*:provisioned-model/*",
            ],
            On::Jobs => &[
                "arn:aws:bedrock:*::foundation-model/*",
                "arn:aws:bedrock:*:*:inference-profile/*",
                "arn:aws:bedrock:*:*:custom-model/*",
                "arn:aws:bedrock:*:*:model-invocation-job/*",
            ],
            On::Bucket => &["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/*"],
            On::Role => &["arn:aws:iam::*:role/ROLE"],
        }
    }
}

/// How it can be found out whether an action is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// By asking for the least of it: nothing changes, nothing is billed (`GetMetricData`: a thousandth of a cent).
    Ask(Probe),
    /// By doing it only; why that is not tried.
    Never(&'static str),
}

/// A question that needs one permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are the operations' own.
pub enum Probe {
    ListFoundationModels,
    ListInferenceProfiles,
    GetFoundationModelAvailability,
    CountTokens,
    ListServiceQuotas,
    ListRequestedServiceQuotaChangeHistory,
    ListProvisionedModelThroughputs,
    ListModelInvocationJobs,
    GetMetricData,
}

/// A permission that this program uses.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// The action of the policy.
    pub action: &'static str,
    /// What it is for, in a few words.
    pub why: &'static str,
    /// Who needs it.
    pub purposes: &'static [Purpose],
    /// How it is tried.
    pub trial: Trial,
    on: On,
}

/// All of them.
#[must_use]
pub fn permissions() -> &'static [Permission] {
    &PERMISSIONS
}

const BILLED: Trial = Trial::Never("each call is billed");
const BUYS: Trial = Trial::Never("it would buy");
const CHANGES: Trial = Trial::Never("it would change something");
const NEEDS_ONE: Trial = Trial::Never("it needs one that exists");
const BUCKET: Trial = Trial::Never("it needs the bucket of a job: `bedrock-top batch check` looks at it");

const PERMISSIONS: [Permission; 30] = {
    use Purpose::{Batch, Console, Pt, Publish, Quotas, Run};
    const fn row(
        action: &'static str,
        why: &'static str,
        purposes: &'static [Purpose],
        on: On,
        trial: Trial,
    ) -> Permission {
        Permission { action, why, purposes, trial, on }
    }
    [
        row("bedrock:InvokeModel", "Converse and InvokeModel", &[Run, Console], On::Calls, BILLED),
        row(
            "bedrock:InvokeModelWithResponseStream",
            "ConverseStream and streamed InvokeModel (--stream)",
            &[Run, Console],
            On::Calls,
            BILLED,
        ),
        row(
            "bedrock:CountTokens",
            "exact token counts; without it the first estimates are rougher",
            &[Run, Console],
            On::Calls,
            Trial::Ask(Probe::CountTokens),
        ),
        row(
            "bedrock:ListFoundationModels",
            "which models a Region offers",
            &[Run, Console, Quotas],
            On::Anything,
            Trial::Ask(Probe::ListFoundationModels),
        ),
        row(
            "bedrock:ListInferenceProfiles",
            "which profiles a Region offers",
            &[Run, Console, Quotas],
            On::Anything,
            Trial::Ask(Probe::ListInferenceProfiles),
        ),
        row(
            "bedrock:GetFoundationModelAvailability",
            "why a model is refused (doctor alone)",
            &[Console],
            On::Anything,
            Trial::Ask(Probe::GetFoundationModelAvailability),
        ),
        row(
            "servicequotas:ListServiceQuotas",
            "the quotas that apply to the account",
            &[Run, Console, Pt, Batch, Quotas],
            On::Anything,
            Trial::Ask(Probe::ListServiceQuotas),
        ),
        row(
            "servicequotas:ListRequestedServiceQuotaChangeHistory",
            "what became of requests for more quota",
            &[Console, Quotas],
            On::Anything,
            Trial::Ask(Probe::ListRequestedServiceQuotaChangeHistory),
        ),
        row(
            "servicequotas:RequestServiceQuotaIncrease",
            "asking for more quota",
            &[Quotas],
            On::Anything,
            Trial::Never("it would file a request"),
        ),
        row(
            "cloudwatch:GetMetricData",
            "how much everybody on the account uses",
            &[Console, Pt, Quotas],
            On::Anything,
            Trial::Ask(Probe::GetMetricData),
        ),
        row(
            "cloudwatch:PutMetricData",
            "metrics of our own, with --publish",
            &[Publish],
            On::Anything,
            Trial::Never("it would publish a metric"),
        ),
        row(
            "bedrock:ListProvisionedModelThroughputs",
            "the list of provisioned throughput",
            &[Console, Pt],
            On::Anything,
            Trial::Ask(Probe::ListProvisionedModelThroughputs),
        ),
        row(
            "bedrock:GetProvisionedModelThroughput",
            "one of them, and calls to it",
            &[Console, Pt],
            On::Throughput,
            NEEDS_ONE,
        ),
        row("bedrock:CreateProvisionedModelThroughput", "buying", &[Pt], On::Throughput, BUYS),
        row("bedrock:UpdateProvisionedModelThroughput", "renaming, another model", &[Pt], On::Throughput, CHANGES),
        row("bedrock:DeleteProvisionedModelThroughput", "deleting", &[Pt], On::Throughput, CHANGES),
        row("bedrock:TagResource", "tags of what is bought", &[Pt], On::Throughput, CHANGES),
        row("bedrock:ListTagsForResource", "tags of what was bought", &[Console, Pt], On::Throughput, NEEDS_ONE),
        row(
            "bedrock:ListModelInvocationJobs",
            "the list of batch jobs",
            &[Console, Batch],
            On::Anything,
            Trial::Ask(Probe::ListModelInvocationJobs),
        ),
        row("bedrock:GetModelInvocationJob", "how far a job is", &[Console, Batch], On::Jobs, NEEDS_ONE),
        row("bedrock:CreateModelInvocationJob", "submitting a job", &[Batch], On::Jobs, BUYS),
        row("bedrock:StopModelInvocationJob", "stopping a job", &[Batch], On::Jobs, CHANGES),
        row("bedrock:TagResource", "tags of jobs", &[Batch], On::Jobs, CHANGES),
        row("bedrock:ListTagsForResource", "tags of jobs", &[Batch], On::Jobs, NEEDS_ONE),
        row("s3:ListBucket", "finding input and results", &[Batch], On::Bucket, BUCKET),
        row("s3:GetObject", "reading results", &[Batch], On::Bucket, BUCKET),
        row("s3:PutObject", "uploading input", &[Batch], On::Bucket, CHANGES),
        row("s3:AbortMultipartUpload", "taking back an upload that was stopped", &[Batch], On::Bucket, CHANGES),
        row("s3:DeleteObject", "deleting copies of input and results, when asked to", &[Batch], On::Bucket, CHANGES),
        row("iam:PassRole", "giving a job its role", &[Batch], On::Role, Trial::Never("only a job takes it on")),
    ]
};

/// A policy as IAM reads it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: Vec<&'static str>,
    resource: Vec<&'static str>,
}

/// The least policy for `purposes`, as JSON. `BUCKET` and `ROLE` stand for names of the user's own.
#[must_use]
pub fn policy(purposes: &[Purpose]) -> String {
    let statements = On::ALL.into_iter().filter_map(|on| {
        let mut action: Vec<&str> = Vec::new();
        for permission in PERMISSIONS.iter().filter(|permission| permission.on == on) {
            if permission.purposes.iter().any(|purpose| purposes.contains(purpose))
                && !action.contains(&permission.action)
            {
                action.push(permission.action);
            }
        }
        let (sid, resource) = (on.sid(), on.resources().to_vec());
        (!action.is_empty()).then_some(Statement { sid, effect: "Allow", action, resource })
    });
    let policy = Policy { version: "2012-10-17", statement: statements.collect() };
    // Strings and lists of them: this cannot fail.
    serde_json::to_string_pretty(&policy).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Purpose; 6] =
        [Purpose::Run, Purpose::Console, Purpose::Pt, Purpose::Batch, Purpose::Quotas, Purpose::Publish];

    fn actions(purposes: &[Purpose]) -> Vec<String> {
        let policy: serde_json::Value = serde_json::from_str(&policy(purposes)).unwrap();
        let statements = policy["Statement"].as_array().unwrap().iter();
        let of = |statement: &serde_json::Value| statement["Action"].as_array().unwrap().clone();
        statements.flat_map(of).map(|action| action.as_str().unwrap().to_owned()).collect()
    }

    /// The policies of the README are those of the table.
    #[test]
    fn the_readme_says_the_same() {
        let readme = include_str!("../../README.md");
        let (_, rest) = readme.split_once("### Permissions").unwrap();
        let (_, rest) = rest.split_once("```json\n").unwrap();
        let (written, _) = rest.split_once("```").unwrap();
        assert_eq!(written.trim(), policy(&[Purpose::Run]), "`bedrock-top doctor --policy run` prints it");
    }

    #[test]
    fn whoever_looks_or_runs_changes_nothing() {
        for purpose in [Purpose::Run, Purpose::Console] {
            for action in actions(&[purpose]) {
                let (_, verb) = action.split_once(':').unwrap();
                let harmless = ["Get", "List", "Invoke", "Count"].iter().any(|word| verb.starts_with(word));
                assert!(harmless, "{purpose:?}: {action}");
            }
        }
        assert!(actions(&ALL).contains(&"iam:PassRole".to_owned()));
    }

    /// Every action that a failure may name is one that the table knows.
    #[test]
    fn no_call_needs_what_the_table_lacks() {
        let sources = [
            include_str!("account.rs"),
            include_str!("jobs.rs"),
            include_str!("metrics.rs"),
            include_str!("objects.rs"),
            include_str!("own_metrics.rs"),
            include_str!("provisioned.rs"),
            include_str!("quota_requests.rs"),
        ];
        let all = actions(&ALL);
        for word in sources.iter().flat_map(|source| source.split('"')) {
            let service =
                ["bedrock:", "servicequotas:", "cloudwatch:", "s3:"].iter().find(|name| word.starts_with(**name));
            let named = service.is_some_and(|name| word[name.len()..].chars().all(|c| c.is_ascii_alphanumeric()));
            let unused = ["servicequotas:ListAWSDefaultServiceQuotas"];
            assert!(!named || unused.contains(&word) || all.iter().any(|action| action == word), "{word}");
        }
    }

    #[test]
    fn each_action_is_said_once_a_statement() {
        let all = actions(&ALL);
        assert!(all.len() > 20);
        for action in &all {
            let most = if action.ends_with("TagResource") || action.ends_with("TagsForResource") { 2 } else { 1 };
            assert!(all.iter().filter(|other| *other == action).count() <= most, "{action}");
        }
    }
}
