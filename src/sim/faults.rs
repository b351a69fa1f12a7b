//! Which calls the scenario's troubles hit, and how.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::record::Micros;

use super::route::{Operation, Service};
use super::scenario::{Fault, FaultKind};

/// In a brownout this share of the calls concerned fails; the others are slow.
const BROWNOUT_FAILURES: f64 = 0.3;
/// How much longer the others take.
const BROWNOUT_SLOWNESS: f64 = 2.5;
/// How much longer a call takes under a latency fault.
const LATENCY_SLOWNESS: f64 = 5.0;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trouble {
    /// How the call fails, if it does.
    pub failure: Option<Failing>,
    /// Everything takes this many times as long.
    pub slow: f64,
}

/// A way to fail. The scenario's kinds without those that only slow down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    /// 503 at once.
    Outage,
    /// 500 after a while.
    Internal,
    Throttle,
    Capacity,
    NotReady,
    Reset,
    Stall,
    Truncate,
    StreamError,
    Malformed,
    Denied,
    Expired,
    LostReply,
}

/// The troubles of a call that arrives at `now`. The first fault that hits decides how the call fails; slowness adds up.
pub(super) fn strike(
    faults: &[Fault],
    now: Micros,
    region: &str,
    service: &Service,
    operation: Operation,
    model: Option<&str>,
    rng: &mut ChaCha8Rng,
) -> Trouble {
    let mut trouble = Trouble { failure: None, slow: 1.0 };
    for fault in faults {
        if !concerns(fault, now, region, service, operation, model) || rng.random::<f64>() >= fault.rate {
            continue;
        }
        let failure = match fault.kind {
            FaultKind::Latency => {
                trouble.slow *= LATENCY_SLOWNESS;
                None
            }
            FaultKind::Brownout => {
                let draw: f64 = rng.random();
                if draw < BROWNOUT_FAILURES / 2.0 {
                    Some(Failing::Internal)
                } else if draw < BROWNOUT_FAILURES {
                    Some(Failing::Capacity)
                } else {
                    trouble.slow *= BROWNOUT_SLOWNESS;
                    None
                }
            }
            FaultKind::Outage => Some(Failing::Outage),
            FaultKind::Throttle => Some(Failing::Throttle),
            FaultKind::Capacity => Some(Failing::Capacity),
            FaultKind::NotReady => Some(Failing::NotReady),
            FaultKind::Reset => Some(Failing::Reset),
            FaultKind::Stall => Some(Failing::Stall),
            FaultKind::Truncate => Some(Failing::Truncate),
            FaultKind::StreamError => Some(Failing::StreamError),
            FaultKind::Malformed => Some(Failing::Malformed),
            FaultKind::Denied => Some(Failing::Denied),
            FaultKind::Expired => Some(Failing::Expired),
            FaultKind::LostReply => Some(Failing::LostReply),
        };
        trouble.failure = trouble.failure.or(failure);
    }
    trouble
}

fn concerns(
    fault: &Fault,
    now: Micros,
    region: &str,
    service: &Service,
    operation: Operation,
    model: Option<&str>,
) -> bool {
    let start = Micros::from_secs_f64(fault.at_s);
    let during = now >= start && fault.for_s.is_none_or(|length| now < start + Micros::from_secs_f64(length));
    during
        && fault.region.as_deref().is_none_or(|wanted| wanted == region)
        && match fault.service.as_deref() {
            Some(wanted) => wanted == service.name(),
            // An operation names its service.
            None => fault.operation.is_some() || *service == Service::Runtime,
        }
        && fault.operation.as_deref().is_none_or(|wanted| wanted == operation.to_string())
        && fault.model.as_deref().is_none_or(|wanted| model == Some(wanted))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn fault(kind: FaultKind) -> Fault {
        Fault {
            region: None,
            kind,
            service: None,
            operation: None,
            model: None,
            at_s: 10.0,
            for_s: Some(5.0),
            rate: 1.0,
        }
    }

    fn at(faults: &[Fault], seconds: u64, operation: Operation, model: &str) -> Trouble {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        strike(faults, Micros::from_secs(seconds), "us-east-1", &operation.service(), operation, Some(model), &mut rng)
    }

    #[test]
    fn a_fault_holds_in_its_time_alone() {
        let faults = [fault(FaultKind::Outage)];
        assert_eq!(at(&faults, 9, Operation::Converse, "m").failure, None);
        assert_eq!(at(&faults, 10, Operation::Converse, "m").failure, Some(Failing::Outage));
        assert_eq!(at(&faults, 14, Operation::Converse, "m").failure, Some(Failing::Outage));
        assert_eq!(at(&faults, 15, Operation::Converse, "m").failure, None);
        let forever = [Fault { for_s: None, ..fault(FaultKind::Outage) }];
        assert_eq!(at(&forever, 1_000_000, Operation::Converse, "m").failure, Some(Failing::Outage));
    }

    #[test]
    fn narrowing_leaves_the_others_alone() {
        let other = Fault { region: Some("us-west-2".into()), ..fault(FaultKind::Reset) };
        assert_eq!(at(&[other], 12, Operation::Converse, "m").failure, None);
        let quotas = Fault { service: Some("servicequotas".into()), ..fault(FaultKind::Reset) };
        assert_eq!(at(std::slice::from_ref(&quotas), 12, Operation::Converse, "m").failure, None);
        assert_eq!(at(&[quotas], 12, Operation::GetServiceQuota, "m").failure, Some(Failing::Reset));
        assert_eq!(at(&[fault(FaultKind::Reset)], 12, Operation::GetCallerIdentity, "m").failure, None);
        let streams = Fault { operation: Some("ConverseStream".into()), ..fault(FaultKind::Stall) };
        assert_eq!(at(std::slice::from_ref(&streams), 12, Operation::Converse, "m").failure, None);
        assert_eq!(at(&[streams], 12, Operation::ConverseStream, "m").failure, Some(Failing::Stall));
        let quota = Fault { operation: Some("GetServiceQuota".into()), ..fault(FaultKind::Reset) };
        assert_eq!(at(&[quota], 12, Operation::GetServiceQuota, "m").failure, Some(Failing::Reset));
        let model = Fault { model: Some("a".into()), ..fault(FaultKind::Capacity) };
        assert_eq!(at(std::slice::from_ref(&model), 12, Operation::Converse, "m").failure, None);
        assert_eq!(at(&[model], 12, Operation::Converse, "a").failure, Some(Failing::Capacity));
    }

    #[test]
    fn the_rate_is_a_share_of_calls_and_slowness_adds_up() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let half = [Fault { rate: 0.5, ..fault(FaultKind::Throttle) }];
        let mut strike_one = |faults: &[Fault]| {
            strike(faults, Micros::from_secs(12), "us-east-1", &Service::Runtime, Operation::Converse, None, &mut rng)
        };
        let hits = (0..2_000).filter(|_| strike_one(&half).failure.is_some()).count();
        assert!((900..1_100).contains(&hits), "{hits}");
        let both = [fault(FaultKind::Latency), fault(FaultKind::Latency)];
        assert_eq!(strike_one(&both), Trouble { failure: None, slow: 25.0 });
        let brownout = [fault(FaultKind::Brownout)];
        let failed = (0..2_000).filter(|_| strike_one(&brownout).failure.is_some()).count();
        assert!((520..680).contains(&failed), "{failed}");
    }
}
