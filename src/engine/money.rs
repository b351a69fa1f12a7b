//! Spend and its cap.

use std::collections::BTreeMap;

use crate::record::Usd;

/// What was spent, what may still be billed for what is in flight, and the cap over both.
#[derive(Clone, Debug, Default)]
pub struct Money {
    spent: Usd,
    estimated: Usd,
    in_flight: Usd,
    /// The cap, if there is one.
    pub cap: Option<Usd>,
    by_model: BTreeMap<String, Usd>,
    unpriced: Vec<String>,
}

impl Money {
    /// Counts what an earlier run of the same work spent.
    pub fn carry(&mut self, spent_before: Usd) {
        self.spent += spent_before;
    }

    /// Whether a request that may cost `worst` fits under the cap beside everything in flight at its worst.
    #[must_use]
    pub fn has_room_for(&self, worst: Usd) -> bool {
        self.cap.is_none_or(|cap| self.spent + self.in_flight + worst <= cap)
    }

    /// Settled so far.
    #[must_use]
    pub const fn spent(&self) -> Usd {
        self.spent
    }

    /// A request is sent.
    pub fn commit(&mut self, worst: Usd) {
        self.in_flight += worst;
    }

    /// It ended: its worst case is replaced by what it really cost. `estimated`: nobody told us, this is our guess.
    pub fn settle(&mut self, worst: Usd, cost: Option<Usd>, estimated: bool, model: &str) {
        self.in_flight -= worst;
        let Some(cost) = cost else {
            if !self.unpriced.iter().any(|known| known == model) {
                self.unpriced.push(model.to_string());
            }
            return;
        };
        self.spent += cost;
        if estimated {
            self.estimated += cost;
        }
        if let Some(sum) = self.by_model.get_mut(model) {
            *sum += cost;
        } else if cost > Usd::ZERO {
            self.by_model.insert(model.to_string(), cost);
        }
    }

    /// It ended without any cost (refused, never reached the service).
    pub fn release(&mut self, worst: Usd) {
        self.in_flight -= worst;
    }

    /// For the snapshot; `per_hour` is measured elsewhere.
    #[must_use]
    pub fn view(&self, per_hour: Usd) -> super::MoneyView {
        super::MoneyView {
            spent: self.spent,
            estimated: self.estimated,
            in_flight: self.in_flight,
            cap: self.cap,
            per_hour,
            unpriced: self.unpriced.clone(),
            by_model: self.by_model.iter().map(|(model, sum)| (model.clone(), *sum)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_counts_what_is_in_flight_at_its_worst() {
        let dollars = Usd::from_dollars;
        let mut money = Money { cap: Some(dollars(1.0)), ..Money::default() };
        money.carry(dollars(0.2));
        assert!(money.has_room_for(dollars(0.8)));
        money.commit(dollars(0.5));
        assert!(!money.has_room_for(dollars(0.31)));
        money.settle(dollars(0.5), Some(dollars(0.1)), false, "m");
        assert!(money.has_room_for(dollars(0.7)));
        money.commit(dollars(0.7));
        money.release(dollars(0.7));
        let view = money.view(Usd::ZERO);
        assert_eq!((view.spent, view.in_flight), (dollars(0.3), Usd::ZERO));
        assert_eq!(view.by_model, vec![("m".to_string(), dollars(0.1))]);
    }

    #[test]
    fn an_unknown_price_is_named_and_never_zero() {
        let mut money = Money::default();
        money.settle(Usd::ZERO, None, false, "m");
        money.settle(Usd::ZERO, None, false, "m");
        assert_eq!(money.view(Usd::ZERO).unpriced, vec!["m".to_string()]);
        assert!(money.view(Usd::ZERO).by_model.is_empty());
    }
}
