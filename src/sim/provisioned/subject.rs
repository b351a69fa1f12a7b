//! What throughput is bought for: a variant of a base model, or a custom model.

use crate::catalogue::{Catalogue, ProvisionedVariant};

/// A model that provisioned throughput serves.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Subject {
    /// As Get and List write it.
    pub arn: String,
    /// Its capacity.
    pub variant: &'static ProvisionedVariant,
    /// It is a custom model.
    pub custom: bool,
}

impl Subject {
    /// The model of this id or ARN in a Region. The simulator keeps no custom models: every well-formed ARN of one in
    /// this account whose base model can be provisioned is taken for one, since such an ARN names its base.
    pub(super) fn of(catalogue: &'static Catalogue, region: &str, account: &str, id: &str) -> Option<Subject> {
        let custom = format!("arn:aws:bedrock:{region}:{account}:custom-model/");
        if let Some(rest) = id.strip_prefix(custom.as_str()) {
            let (base, own) = rest.rsplit_once('/')?;
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            if own.len() != 12 || !own.bytes().all(plain) {
                return None;
            }
            let variants = || catalogue.provisioned_variants_of(catalogue.model(base)?).next();
            let variant = catalogue.provisioned_variant(base).or_else(variants)?;
            return Some(Subject { arn: id.to_owned(), variant, custom: true });
        }
        let foundation = format!("arn:aws:bedrock:{region}::foundation-model/");
        let name = id.strip_prefix(foundation.as_str()).unwrap_or(id);
        let variant = catalogue.provisioned_variant(name)?;
        Some(Subject { arn: foundation_arn(region, name), variant, custom: false })
    }
}

/// The ARN of a foundation model.
pub(super) fn foundation_arn(region: &str, id: &str) -> String {
    format!("arn:aws:bedrock:{region}::foundation-model/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_and_custom_models_are_told_by_their_names() {
        let of = |id: &str| Subject::of(Catalogue::embedded(), "us-east-1", "123456789012", id);
        let base = of("amazon.nova-pro-v1:0:24k").unwrap();
        assert_eq!(base.arn, "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0:24k");
        assert_eq!(of(&base.arn), Some(base));
        let custom = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0:300k/abcdefghijkl";
        assert!(of(custom).is_some_and(|model| model.custom && model.variant.context() == "300k"));
        assert!(of(&custom.replace(":300k", "")).is_some_and(|model| model.custom));
        for other in [
            "amazon.nova-pro-v1:0",
            "us.amazon.nova-pro-v1:0:24k",
            &custom.replace("us-east-1", "us-west-2"),
            &custom.replace("abcdefghijkl", "x"),
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
