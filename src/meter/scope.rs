//! The quotas of one model or profile in one Region, together.

use crate::catalogue::cost;
use crate::record::{Micros, Usage};

use super::pool::DAY;
use super::window::Window;
use super::{Meter, MeterSpec, TpdPool, tokens, units};

/// What a scope enforces. An absent quota is not enforced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScopeSpec {
    /// Requests per minute.
    pub rpm: Option<MeterSpec>,
    /// Tokens per minute.
    pub tpm: Option<MeterSpec>,
    /// Tokens per day (UTC) of this scope alone.
    pub tpd: Option<u64>,
    /// Quota tokens at which one output token is settled.
    pub burndown: u32,
    /// The part of its reservation, and of a request, that a refused request burns: 0 to 1.
    pub reject_charge: f64,
}

/// A request in flight. It names its request for ever: once that is settled or cancelled the id does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HoldId {
    slot: u32,
    generation: u32,
}

/// Which quota refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejected {
    /// Requests per minute.
    Rpm,
    /// Tokens per minute.
    Tpm,
    /// Tokens per day, of the scope or of the account.
    Tpd,
}

/// A scope at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeView {
    /// Requests left, if there is an RPM quota.
    pub rpm_level: Option<i64>,
    /// Quota tokens left, if there is a TPM quota; negative: debt.
    pub tpm_level: Option<i64>,
    /// Quota tokens used in this scope since midnight UTC, reservations and the others' included.
    pub tpd_used: u64,
    /// Requests in flight.
    pub in_flight: u64,
    /// Quota tokens now charged for them.
    pub held: u64,
    /// Requests admitted since the start.
    pub admitted: u64,
    /// Requests refused since the start: by RPM, by TPM, by TPD.
    pub rejected: [u64; 3],
    /// Quota tokens settled since the start, our requests' only.
    pub settled: u64,
}

/// What is in flight.
#[derive(Clone, Copy, Debug)]
struct Hold {
    taken: Micros,
    input: u64,
    cache_read: u64,
    cache_write: u64,
    max_tokens: u64,
    /// Quota tokens charged so far.
    charged: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    generation: u32,
    hold: Option<Hold>,
}

/// Meters one model or profile in one Region as the service says it does (facts §2.2): reserves at admission, moves
/// towards the settlement while output is generated, settles at the end.
#[derive(Debug)]
pub struct ServerScope {
    spec: ScopeSpec,
    rpm: Option<Meter>,
    tpm: Option<Meter>,
    day: Window,
    pool: Option<TpdPool>,
    others: u64,
    slots: Vec<Slot>,
    free: Vec<u32>,
    totals: ScopeView,
}

impl ServerScope {
    /// A scope of which nothing is used.
    #[must_use]
    pub fn new(spec: ScopeSpec, now: Micros) -> ServerScope {
        ServerScope {
            spec,
            rpm: spec.rpm.map(|rpm| Meter::new(rpm, now)),
            tpm: spec.tpm.map(|tpm| Meter::new(tpm, now)),
            day: Window::new(DAY, day_limit(spec), now),
            pool: None,
            others: 0,
            slots: Vec::new(),
            free: Vec::new(),
            totals: ScopeView::default(),
        }
    }

    /// The same scope, which counts against the account's day as well.
    #[must_use]
    pub fn with_pool(mut self, pool: TpdPool) -> ServerScope {
        self.pool = Some(pool);
        self
    }

    /// New quotas (an increase was granted, or somebody cut them). What was used stays used.
    pub fn retune(&mut self, spec: ScopeSpec, now: Micros) {
        let others = self.others;
        let retuned = |meter: Option<Meter>, spec: Option<MeterSpec>| match (meter, spec) {
            (Some(mut meter), Some(spec)) => {
                meter.retune(spec, now);
                Some(meter)
            }
            (_, spec) => spec.map(|spec| Meter::new(spec, now)),
        };
        self.rpm = retuned(self.rpm.take(), spec.rpm);
        self.tpm = retuned(self.tpm.take(), spec.tpm);
        if let Some(tpm) = &mut self.tpm {
            tpm.set_others(others, now);
        }
        self.day.retune(day_limit(spec), now);
        self.spec = spec;
    }

    /// What the scope enforces.
    #[must_use]
    pub fn spec(&self) -> ScopeSpec {
        self.spec
    }

    /// Others of the account use this many settled quota tokens per minute from now on, evenly.
    pub fn others(&mut self, tokens_per_minute: u64, now: Micros) {
        if let Some(tpm) = &mut self.tpm {
            tpm.set_others(tokens_per_minute, now);
        }
        self.day.set_others(tokens_per_minute, now);
        if let Some(pool) = &self.pool {
            pool.change_others(self.others, tokens_per_minute, now);
        }
        self.others = tokens_per_minute;
    }

    /// Admits a request if every quota has room for it, and reserves `input + cache_read + cache_write + max_tokens`;
    /// refused by one, it takes nothing from any but the `reject_charge`.
    ///
    /// # Errors
    /// The quota that refused, requests before tokens, minutes before days.
    pub fn admit(
        &mut self,
        input: u64,
        cache_read: u64,
        cache_write: u64,
        max_tokens: u64,
        now: Micros,
    ) -> Result<HoldId, Rejected> {
        let charged = cost::reserve(input, cache_read, cache_write, max_tokens).0;
        if let Some(why) = self.refusal(charged, now) {
            self.burn(charged, now);
            let counter = &mut self.totals.rejected[why as usize];
            *counter = counter.saturating_add(1);
            return Err(why);
        }
        if let Some(rpm) = &mut self.rpm {
            rpm.charge(1, now);
        }
        if let Some(tpm) = &mut self.tpm {
            tpm.charge(charged, now);
        }
        self.day.charge(units(charged));
        self.totals.admitted = self.totals.admitted.saturating_add(1);
        Ok(self.hold(Hold { taken: now, input, cache_read, cache_write, max_tokens, charged }))
    }

    /// How long until a reservation of this size would be admitted if nothing else happens; `None`: never. For a
    /// clairvoyant client: no real one can ask.
    pub fn wait(&mut self, reservation: u64, now: Micros) -> Option<Micros> {
        let rpm = self.rpm.as_mut().map_or(Some(Micros::ZERO), |rpm| rpm.wait(1, now))?;
        let tpm = self.tpm.as_mut().map_or(Some(Micros::ZERO), |tpm| tpm.wait(reservation, now))?;
        self.day.advance(now);
        let day = if self.spec.tpd.is_some() { self.day.wait(units(reservation))? } else { 0 };
        Some(rpm.max(tpm).max(Micros(u64::try_from(day).unwrap_or(u64::MAX))))
    }

    /// The first quota without room. The account's pool is asked last and takes at once, since it is shared.
    fn refusal(&mut self, charged: u64, now: Micros) -> Option<Rejected> {
        self.day.advance(now);
        if self.rpm.as_mut().is_some_and(|rpm| !rpm.fits(1, now)) {
            Some(Rejected::Rpm)
        } else if self.tpm.as_mut().is_some_and(|tpm| !tpm.fits(charged, now)) {
            Some(Rejected::Tpm)
        } else if (self.spec.tpd.is_some() && self.day.level() < units(charged))
            || self.pool.as_ref().is_some_and(|pool| !pool.try_take(charged, now))
        {
            Some(Rejected::Tpd)
        } else {
            None
        }
    }

    fn burn(&mut self, charged: u64, now: Micros) {
        let ppm = (self.spec.reject_charge.clamp(0.0, 1.0) * 1e6).round() as u32;
        if ppm > 0 {
            if let Some(rpm) = &mut self.rpm {
                rpm.burn(1, ppm, now);
            }
            if let Some(tpm) = &mut self.tpm {
                tpm.burn(charged, ppm, now);
            }
        }
    }

    /// The request has generated `output_tokens` so far. Each one turns its reserved token into `burndown` charged
    /// ones, and the reservation of the cache reads, which are free in the end, is released in step. The service says no
    /// more than "progressively" (facts §5); linear by generated tokens is our reading of it.
    pub fn progress(&mut self, hold: HoldId, output_tokens: u64, now: Micros) {
        let burndown = self.spec.burndown;
        if let Some(hold) = self.get(hold) {
            let charged = hold.charged_after(output_tokens, burndown);
            let (before, taken) = (std::mem::replace(&mut hold.charged, charged), hold.taken);
            self.move_charge(before, charged, taken, now);
        }
    }

    /// The request is done: charged in the end is `input + cache_write + output x burndown`, which may be more than was
    /// reserved and drive the level below zero.
    pub fn settle(&mut self, hold: HoldId, usage: &Usage, now: Micros) {
        if let Some(hold) = self.remove(hold) {
            let charged = cost::settle(usage, self.spec.burndown).0;
            self.totals.settled = self.totals.settled.saturating_add(charged);
            self.move_charge(hold.charged, charged, hold.taken, now);
        }
    }

    /// The request was not served: all that it took comes back, the request itself too.
    pub fn cancel(&mut self, hold: HoldId, now: Micros) {
        if let Some(hold) = self.remove(hold) {
            self.move_charge(hold.charged, 0, hold.taken, now);
            if let Some(rpm) = &mut self.rpm {
                rpm.give_back(1, hold.taken, now);
            }
        }
    }

    /// The scope now.
    pub fn view(&mut self, now: Micros) -> ScopeView {
        self.day.advance(now);
        let holds = self.slots.iter().filter_map(|slot| slot.hold.as_ref());
        ScopeView {
            rpm_level: self.rpm.as_mut().map(|rpm| rpm.level(now)),
            tpm_level: self.tpm.as_mut().map(|tpm| tpm.level(now)),
            tpd_used: tokens(self.day.used()).max(0).unsigned_abs(),
            in_flight: (self.slots.len() - self.free.len()) as u64,
            held: holds.fold(0, |sum: u64, hold| sum.saturating_add(hold.charged)),
            ..self.totals
        }
    }

    /// Charges what came on top, or puts back what became free.
    fn move_charge(&mut self, before: u64, after: u64, taken: Micros, now: Micros) {
        self.day.advance(now);
        if after > before {
            let more = after - before;
            if let Some(tpm) = &mut self.tpm {
                tpm.charge(more, now);
            }
            self.day.charge(units(more));
            if let Some(pool) = &self.pool {
                pool.charge(more, now);
            }
        } else if before > after {
            let back = before - after;
            if let Some(tpm) = &mut self.tpm {
                tpm.give_back(back, taken, now);
            }
            self.day.give_back(units(back), taken);
            if let Some(pool) = &self.pool {
                pool.give_back(back, taken, now);
            }
        }
    }

    fn hold(&mut self, hold: Hold) -> HoldId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            // 2^32 requests in flight would have taken hundreds of gigabytes before this saturates.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let place = &mut self.slots[slot as usize];
        place.hold = Some(hold);
        HoldId { slot, generation: place.generation }
    }

    fn get(&mut self, id: HoldId) -> Option<&mut Hold> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.generation == id.generation { slot.hold.as_mut() } else { None }
    }

    fn remove(&mut self, id: HoldId) -> Option<Hold> {
        let hold = *self.get(id)?;
        let slot = &mut self.slots[id.slot as usize];
        slot.hold = None;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.slot);
        Some(hold)
    }
}

impl Hold {
    /// What is charged once `output` tokens are generated.
    fn charged_after(&self, output: u64, burndown: u32) -> u64 {
        let output = output.min(self.max_tokens);
        let left = self.max_tokens - output;
        let cache_read = match self.max_tokens {
            0 => self.cache_read,
            max => (u128::from(self.cache_read) * u128::from(left) / u128::from(max)) as u64,
        };
        cost::reserve(self.input, cache_read, self.cache_write, left)
            .0
            .saturating_add(output.saturating_mul(u64::from(burndown)))
    }
}

fn day_limit(spec: ScopeSpec) -> i128 {
    units(spec.tpd.unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
