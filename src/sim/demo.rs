//! The account that is simulated when nobody describes another one.

use super::scenario::{Commitment, Fault, FaultKind, JobSpec, ProvisionedSpec, QuotaSpec, RegionSpec, Scenario};

/// The model that the demo's load calls: its output burns quota fivefold and its `max_tokens` may be far above what
/// it says, so that reservation and settlement both show.
pub const DEMO_MODEL: &str = "us.anthropic.claude-sonnet-4-6";

impl Scenario {
    /// A small account in three Regions. Two requests a second of a few hundred tokens are somewhat more than the two
    /// American Regions bear together, one browns out after a while, and the other becomes slow later. There is also what others have bought and started.
    #[must_use]
    pub fn demo() -> Scenario {
        Scenario {
            output_tokens: 350.0,
            regions: regions(),
            quotas: quotas(),
            faults: vec![
                Fault { rate: 0.6, ..fault(FaultKind::Brownout, "us-west-2", 75.0, 25.0) },
                Fault { rate: 0.5, ..fault(FaultKind::Latency, "us-east-1", 200.0, 30.0) },
                Fault { rate: 0.03, ..fault(FaultKind::Capacity, "us-east-1", 300.0, 60.0) },
            ],
            provisioned: provisioned(),
            jobs: jobs(),
            ..Scenario::default()
        }
    }
}

/// What somebody has forgotten: one that costs by the hour, and one whose month is over, so that it may go at last.
fn provisioned() -> Vec<ProvisionedSpec> {
    let model = |name: &str, model: &str| ProvisionedSpec {
        region: "us-east-1".into(),
        name: name.into(),
        model: model.into(),
        ..ProvisionedSpec::default()
    };
    vec![
        ProvisionedSpec { age_hours: 6.0, ..model("load-test", "amazon.nova-pro-v1:0:24k") },
        ProvisionedSpec {
            commitment: Commitment::OneMonth,
            age_hours: 31.0 * 24.0,
            ..model("claims-pilot", "anthropic.claude-v2:1:18k")
        },
    ]
}

/// A colleague's batch jobs: one is done, one is at work for as long as a demo lasts, one was too small.
fn jobs() -> Vec<JobSpec> {
    let job = |name: &str, region: &str, model: &str| JobSpec {
        region: region.into(),
        name: name.into(),
        model: model.into(),
        ..JobSpec::default()
    };
    vec![
        JobSpec {
            records: 1_200,
            age_minutes: 190.0,
            error_rate: 0.02,
            ..job("nightly-tickets", "us-east-1", "amazon.nova-lite-v1:0")
        },
        JobSpec {
            records: 12_000,
            age_minutes: 3.0,
            error_rate: 0.005,
            ..job("catalogue-summaries", "us-east-1", "anthropic.claude-3-haiku-20240307-v1:0")
        },
        JobSpec { records: 40, age_minutes: 50.0, ..job("fraud-labels", "us-west-2", "amazon.nova-lite-v1:0") },
    ]
}

/// The Regions of the demo, and of a scenario that names none.
pub(super) fn regions() -> Vec<RegionSpec> {
    let region = |name: &str, ttft_ms, tokens_per_second| RegionSpec { name: name.into(), ttft_ms, tokens_per_second };
    vec![region("us-east-1", 380.0, 85.0), region("us-west-2", 450.0, 75.0), region("eu-west-1", 620.0, 70.0)]
}

/// The quotas of the demo, and of a scenario that gives none. The demo's model must be able to admit a request without
/// `max_tokens`, which reserves 65,536.
pub(super) fn quotas() -> Vec<QuotaSpec> {
    const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";
    const NOVA: &str = "amazon.nova-lite-v1:0";
    let quota = |region: &str, model: &str, rpm, tpm| QuotaSpec {
        region: region.into(),
        model: model.into(),
        rpm: Some(rpm),
        tpm: Some(tpm),
        ..QuotaSpec::default()
    };
    vec![
        quota("us-east-1", DEMO_MODEL, 90, 130_000),
        quota("us-west-2", DEMO_MODEL, 60, 90_000),
        quota("eu-west-1", "eu.anthropic.claude-sonnet-4-6", 60, 90_000),
        quota("us-east-1", HAIKU, 60, 100_000),
        quota("us-west-2", HAIKU, 60, 100_000),
        quota("eu-west-1", HAIKU, 40, 60_000),
        quota("us-east-1", NOVA, 100, 150_000),
        quota("us-west-2", NOVA, 100, 150_000),
    ]
}

fn fault(kind: FaultKind, region: &str, at_s: f64, for_s: f64) -> Fault {
    Fault {
        region: Some(region.into()),
        kind,
        service: None,
        operation: None,
        model: None,
        at_s,
        for_s: Some(for_s),
        rate: 1.0,
    }
}
