//! The names under which a model can be called.

use serde::{Deserialize, Serialize};

/// Which of a model's separate quotas a call counts against (facts §2.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BucketKind {
    /// On demand, by the foundation model id.
    Base,
    /// A geographic cross-Region profile.
    Geo,
    /// The global cross-Region profile.
    Global,
}

/// Prefixes of system-defined inference profiles (facts §2.2.6).
const PREFIXES: [&str; 9] = ["us", "eu", "apac", "jp", "au", "ca", "in", "us-gov", "global"];

/// A `modelId` taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// Region and resource type, if it was an ARN.
    pub arn: Option<Arn<'a>>,
    /// Profile prefix.
    pub prefix: Option<&'a str>,
    /// Foundation model id; of a resource that does not tell its model, the resource's own id.
    pub base: &'a str,
    /// The context variant (`200k`), which only provisioned throughput knows.
    pub variant: Option<&'a str>,
}

/// What an ARN of the service says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub region: &'a str,
    pub resource: &'a str,
}

impl Arn<'_> {
    /// The resource names its model in its id.
    pub fn names_model(self) -> bool {
        matches!(self.resource, "foundation-model" | "inference-profile")
    }
}

/// Takes a `modelId` apart. `None` for an ARN that is not one of this service's.
pub(super) fn parts(id: &str) -> Option<Parts<'_>> {
    let (arn, name) = if id.starts_with("arn:") {
        let mut fields = id.splitn(6, ':');
        let service = fields.nth(2)?;
        let region = fields.next()?;
        let (resource, name) = fields.nth(1)?.split_once('/')?;
        if service != "bedrock" || name.is_empty() {
            return None;
        }
        (Some(Arn { region, resource }), name)
    } else {
        (None, id)
    };
    if arn.is_some_and(|arn| !arn.names_model()) {
        return Some(Parts { arn, prefix: None, base: name, variant: None });
    }
    let (prefix, name) = match name.split_once('.') {
        Some((prefix, rest)) if PREFIXES.contains(&prefix) => (Some(prefix), rest),
        _ => (None, name),
    };
    let (base, variant) = match name.rsplit_once(':') {
        Some((base, variant)) if base.contains(':') && is_context(variant) => (base, Some(variant)),
        _ => (name, None),
    };
    Some(Parts { arn, prefix, base, variant })
}

/// `200k`, `8k`, ...
fn is_context(text: &str) -> bool {
    text.strip_suffix(['k', 'K']).is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The foundation model id in `id`: without profile prefix, context variant and ARN. An ARN that does not tell its
/// model (application inference profile, provisioned model) comes back unchanged.
#[must_use]
pub fn base_id(id: &str) -> &str {
    match parts(id) {
        Some(parts) if parts.arn.is_none_or(Arn::names_model) => parts.base,
        _ => id,
    }
}

/// Which of the model's quotas a call of `id` counts against. Ids that do not tell (application inference profiles,
/// provisioned models) have quotas of their own and answer `Base`.
#[must_use]
pub fn bucket_kind(id: &str) -> BucketKind {
    match parts(id).and_then(|parts| parts.prefix) {
        None => BucketKind::Base,
        Some("global") => BucketKind::Global,
        Some(_) => BucketKind::Geo,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_apart() {
        for (id, base, kind) in [
            ("amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", BucketKind::Base),
            ("us.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", BucketKind::Geo),
            ("us-gov.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", BucketKind::Geo),
            ("global.anthropic.claude-sonnet-4-6", "anthropic.claude-sonnet-4-6", BucketKind::Global),
            ("deepseek.v3.2", "deepseek.v3.2", BucketKind::Base),
            ("anthropic.claude-3-haiku-20240307-v1:0:200k", "anthropic.claude-3-haiku-20240307-v1:0", BucketKind::Base),
            ("amazon.titan-text-express-v1:0:8k", "amazon.titan-text-express-v1:0", BucketKind::Base),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
                "amazon.nova-lite-v1:0",
                BucketKind::Base,
            ),
            (
                "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0",
                "amazon.nova-lite-v1:0",
                BucketKind::Geo,
            ),
        ] {
            assert_eq!((base_id(id), bucket_kind(id)), (base, kind), "{id}");
        }
    }

    #[test]
    fn what_does_not_tell_its_model_stays_whole() {
        for id in [
            "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/us.x",
            "arn:aws:s3:::bucket/key",
            "arn:aws:bedrock",
            "",
            ":",
        ] {
            assert_eq!((base_id(id), bucket_kind(id)), (id, BucketKind::Base));
        }
        assert_eq!(base_id("us."), "");
    }
}
