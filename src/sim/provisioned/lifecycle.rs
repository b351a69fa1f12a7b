//! What becomes of a provisioned model in time. Pure: a function of what happened when, and of now.

use crate::record::Micros;

use super::super::scenario::Commitment;

/// How long capacity takes to be set up. Minutes in reality; the real figure is not published.
pub(in crate::sim) const CREATING: Micros = Micros::from_secs(4 * 60);
/// How long another name or model takes. The real figure is not published.
pub(in crate::sim) const UPDATING: Micros = Micros::from_secs(60);
/// A month of a commitment, counted from the creation. Calendar months may be meant; which, is not documented.
const MONTH: Micros = Micros::from_secs(30 * 86_400);

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Status {
    Creating,
    InService,
    Updating,
    Failed,
}

impl Status {
    /// All of them, as the service writes them.
    pub(in crate::sim) const NAMES: [&'static str; 4] = ["Creating", "InService", "Updating", "Failed"];

    /// As the service writes it.
    pub(in crate::sim) fn name(self) -> &'static str {
        Status::NAMES[self as usize]
    }
}

/// It cannot be changed in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct NotNow(pub Status);

/// The moments of a provisioned model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Lifecycle {
    created: Micros,
    /// It will not come into being: there is no capacity for it.
    doomed: bool,
    expires: Option<Micros>,
    changed: Option<Micros>,
}

impl Lifecycle {
    /// Bought at `created`.
    pub(in crate::sim) fn new(created: Micros, commitment: Commitment, doomed: bool) -> Lifecycle {
        let months = match commitment {
            Commitment::None => None,
            Commitment::OneMonth => Some(1),
            Commitment::SixMonths => Some(6),
        };
        let expires = months.map(|months| created + Micros(MONTH.0 * months));
        Lifecycle { created, doomed, expires, changed: None }
    }

    /// Where it stands.
    pub(in crate::sim) fn status(&self, now: Micros) -> Status {
        match self.changed {
            _ if now < self.created + CREATING => Status::Creating,
            _ if self.doomed => Status::Failed,
            Some(changed) if now < changed + UPDATING => Status::Updating,
            _ => Status::InService,
        }
    }

    /// When it was bought.
    pub(in crate::sim) fn created(&self) -> Micros {
        self.created
    }

    /// When its commitment ends.
    pub(in crate::sim) fn expires(&self) -> Option<Micros> {
        self.expires
    }

    /// The last change of its state before `now`.
    pub(in crate::sim) fn modified(&self, now: Micros) -> Micros {
        let set_up = self.created + CREATING;
        let moments = [Some(set_up), self.changed, self.changed.map(|changed| changed + UPDATING)];
        moments.into_iter().flatten().filter(|at| *at <= now).max().unwrap_or(self.created)
    }

    /// Another name or model. Only what is in service can be changed (a guess: no rule is published).
    pub(in crate::sim) fn change(&mut self, now: Micros) -> Result<(), NotNow> {
        match self.status(now) {
            Status::InService => {
                self.changed = Some(now);
                Ok(())
            }
            status => Err(NotNow(status)),
        }
    }

    /// Until when it cannot be deleted. Without a commitment it can at once, in every state (facts §2.4); so can what
    /// failed, since there is nothing to pay for (a guess).
    pub(in crate::sim) fn bound_until(&self, now: Micros) -> Option<Micros> {
        self.expires.filter(|expires| now < *expires && self.status(now) != Status::Failed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_life_without_trouble() {
        let mut life = Lifecycle::new(Micros::ZERO, Commitment::OneMonth, false);
        let at = Micros::from_secs;
        assert_eq!(life.change(at(10)), Err(NotNow(Status::Creating)));
        assert_eq!((life.status(at(239)), life.status(at(240))), (Status::Creating, Status::InService));
        life.change(at(300)).unwrap();
        assert_eq!((life.status(at(359)), life.status(at(360))), (Status::Updating, Status::InService));
        assert_eq!([0, 250, 310, 400].map(|s| life.modified(at(s))), [0, 240, 300, 360].map(at));
        let end = at(30 * 86_400);
        assert_eq!((life.bound_until(at(400)), life.bound_until(end)), (Some(end), None));
        assert_eq!(Lifecycle::new(Micros::ZERO, Commitment::None, false).bound_until(at(1)), None);
    }

    #[test]
    fn what_has_no_capacity_fails_and_binds_nobody() {
        let life = Lifecycle::new(Micros::ZERO, Commitment::SixMonths, true);
        assert_eq!(life.status(Micros::ZERO), Status::Creating);
        assert_eq!((life.status(CREATING), life.bound_until(CREATING)), (Status::Failed, None));
    }

    proptest! {
        /// Whatever is asked when, only the documented transitions are seen, and changes only happen in service.
        #[test]
        fn only_legal_transitions(
            steps in proptest::collection::vec((0u64..200, any::<bool>()), 1..60),
            doomed in any::<bool>(),
        ) {
            let mut life = Lifecycle::new(Micros::ZERO, Commitment::None, doomed);
            let (mut now, mut last) = (Micros::ZERO, Status::Creating);
            for (pause, change) in steps {
                now = now + Micros::from_secs(pause);
                let seen = life.status(now);
                let legal = match (last, seen) {
                    (a, b) if a == b => true,
                    (Status::Creating, Status::InService) => !doomed,
                    (Status::Creating, Status::Failed) => doomed,
                    (Status::Updating, Status::InService) => true,
                    _ => false,
                };
                prop_assert!(legal, "{last:?} to {seen:?}");
                last = seen;
                if change {
                    prop_assert_eq!(life.change(now).is_ok(), seen == Status::InService);
                    last = life.status(now);
                    prop_assert!(last == seen || last == Status::Updating);
                }
                prop_assert!(life.modified(now) <= now);
            }
        }
    }
}
