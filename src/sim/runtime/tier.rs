//! Service tiers (facts §2.8): which one a request asks for, and which one serves it.

use serde::Deserialize;

use super::super::call::Call;
use super::super::errors::ServiceError;
use super::super::route::Operation;

/// By this header InvokeModel asks, and is told.
pub(in crate::sim) const TIER_HEADER: &str = "x-amzn-bedrock-service-tier";

/// A service tier. All of them share the on-demand quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum ServiceTier {
    Default,
    Priority,
    Flex,
    Reserved,
}

impl ServiceTier {
    fn named(name: &str) -> Option<ServiceTier> {
        let all = [ServiceTier::Default, ServiceTier::Priority, ServiceTier::Flex, ServiceTier::Reserved];
        all.into_iter().find(|tier| tier.word() == name)
    }

    pub(in crate::sim) const fn word(self) -> &'static str {
        match self {
            ServiceTier::Default => "default",
            ServiceTier::Priority => "priority",
            ServiceTier::Flex => "flex",
            ServiceTier::Reserved => "reserved",
        }
    }

    /// The tier that serves it: nothing is reserved here, and what overflows a reservation goes to the default.
    pub(in crate::sim) const fn resolved(self) -> ServiceTier {
        match self {
            ServiceTier::Reserved => ServiceTier::Default,
            other => other,
        }
    }
}

/// The part of a Converse request that names a tier.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asking {
    service_tier: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    r#type: String,
}

/// The tier that a request for inference names, if it names one.
pub(in crate::sim) fn asked(call: &Call) -> Result<Option<ServiceTier>, ServiceError> {
    let converse = matches!(call.operation, Operation::Converse | Operation::ConverseStream);
    let name = if converse { in_body(&call.payload.bytes) } else { call.tier_header.clone() };
    let Some(name) = name else { return Ok(None) };
    ServiceTier::named(&name).map(Some).ok_or_else(|| {
        ServiceError::validation(format!(
            "1 validation error detected: Value '{}' at 'serviceTier.type' failed to satisfy constraint: Member must \
             satisfy enum value set: [priority, default, flex, reserved]",
            name.escape_debug()
        ))
    })
}

/// Most requests name none, and are not read a second time.
fn in_body(body: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\"serviceTier\"";
    if !body.windows(KEY.len()).any(|part| part == KEY) {
        return None;
    }
    let asking: Asking = serde_json::from_slice(body).ok()?;
    Some(asking.service_tier?.r#type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_names_its_tier_or_none() {
        assert_eq!(in_body(br#"{"messages":[],"serviceTier":{"type":"flex"}}"#).as_deref(), Some("flex"));
        for none in
            [&br#"{"messages":[]}"#[..], br#"{"messages":["\"serviceTier\""]}"#, br#"{"serviceTier":null}"#, b"{"]
        {
            assert_eq!(in_body(none), None);
        }
        assert_eq!(ServiceTier::named("flex"), Some(ServiceTier::Flex));
        assert_eq!(ServiceTier::named("Flex"), None);
        assert_eq!(ServiceTier::Reserved.resolved(), ServiceTier::Default);
    }
}
