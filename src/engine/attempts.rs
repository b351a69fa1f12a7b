//! Sending an attempt, and what its outcome means for the record, the limiter, the breaker, the books.

use crate::bedrock::{Attempt, Call, Progress, ProgressSink};
use crate::limiter::{Preset, QuotaLimit, Reject, Why};
use crate::record::{ErrorClass, Failure, Micros, Reach, Reply, ThrottleCause, Usage, UsageSource, Usd};
use crate::workload::Finished;

use super::breaker::{Breaker, BreakerChange};
use super::delivery::Parcel;
use super::dispatcher::{Dispatcher, service_ms, utc_ms};
use super::flight::{InFlight, News, Retry};
use super::illness::Illness;
use super::load::{Work, never_advice};
use super::retry::backoff;
use super::router::{Parked, Quote};
use super::text::sanitise;
use super::{Level, ParkKind, RequestView};

/// First and longest pause between two looks at whether a parked scope's cause is gone.
const FIRST_PROBE: Micros = Micros::from_secs(5);
const LONGEST_PROBE: Micros = Micros::from_secs(60);
/// A journal that cannot be written is tried again after this.
const STORAGE_RETRY: Micros = Micros::from_secs(1);
/// Bytes of output text per token where nothing better is known.
const BYTES_PER_TOKEN: u64 = 4;

impl Dispatcher {
    /// Sends one attempt of `work` on a route that has just said yes.
    pub(super) fn send(&mut self, mut work: Work, index: usize, quote: Quote, now: Micros) {
        if let Some(load) = self.load.as_mut().filter(|load| load.id == work.load)
            && let Some(journal) = load.journal.as_mut()
            && let Err(error) = journal.started(work.record.seq, quote.worst)
        {
            self.storage_retry_at = Some(now + STORAGE_RETRY);
            self.park_run(
                ParkKind::Storage,
                format!("the run's journal cannot be written: {error}"),
                "free space or mend the output; nothing is sent meanwhile".to_string(),
            );
            self.put_back(work);
            return;
        }
        let open_loop = self.load.as_ref().is_some_and(|load| load.open_loop);
        if work.first_sent.is_none() {
            work.first_sent = Some(now);
            self.latencies.queue_wait.record(now.since(work.queued), now);
            if open_loop {
                let started = if work.told_to_wait.get() { work.queued } else { now };
                self.latencies.schedule_delay.record(started.since(work.record.due), now);
            }
        }
        work.attempts += 1;
        let route = &mut self.routes[index];
        let tickets = route.meters.admit(&mut self.limiter, &quote.costs, now);
        let probe = route.breaker.sent(now);
        let unparks = route.parked.as_mut().map(|park| park.probing = true).is_some();
        route.in_flight += 1;
        route.sent += 1;
        self.minutes.began(index, service_ms(&self.clock, &self.clients), quote.costs.hold());
        for window in [&mut self.window, &mut route.window] {
            let second = window.at(now);
            second.sent += 1;
            second.reserved += quote.costs.hold();
        }
        self.money.commit(quote.worst);
        let mut stream = false;
        if let Some(load) = self.load.as_mut().filter(|load| load.id == work.load) {
            load.view.attempts += 1;
            load.view.retries += u64::from(work.attempts > 1);
            stream = load.stream;
        }
        let id = self.next_attempt;
        self.next_attempt += 1;
        let progress: Option<ProgressSink> = stream.then(|| {
            let attempts = self.attempts.clone();
            let told = move |Progress { text_bytes }| drop(attempts.send(News::Progress { id, text_bytes }));
            Box::new(told) as ProgressSink
        });
        let call = Call {
            route: route.setup.route.clone(),
            body: work.record.body.clone(),
            stream,
            attempt_timeout: self.settings.attempt_timeout,
            stream_gap: self.settings.stream_gap,
            progress,
        };
        let clients = std::sync::Arc::clone(&self.clients);
        let attempts = self.attempts.clone();
        let task = tokio::spawn(async move {
            let attempt = clients.call(call).await;
            // A dispatcher that is gone has abandoned this attempt.
            let _ = attempts.send(News::Ended { id, attempt });
        });
        let abort = task.abort_handle();
        let flight = InFlight { work, route: index, tickets, quote, sent: now, stream, probe, unparks, abort };
        self.in_flight.insert(id, flight);
    }

    /// Something is known of an attempt.
    pub(super) fn news(&mut self, news: News) {
        match news {
            News::Progress { id, text_bytes } => self.progressed(id, text_bytes),
            News::Ended { id, attempt } => self.ended(id, attempt),
            News::Counted { model, kind, raw, tokens } => self.counted(model.as_str(), kind, raw, tokens),
        }
    }

    /// A stream settles above its reservation while it runs, if its burndown is heavy: the limiter wants to know early.
    fn progressed(&mut self, id: u64, text_bytes: u64) {
        let Some(flight) = self.in_flight.get(&id) else { return };
        let burndown = self.routes[flight.route].burndown();
        let (input, output) = (flight.quote.input, text_bytes / BYTES_PER_TOKEN);
        flight.tickets.progress(&mut self.limiter, input, output, burndown, self.clock.now());
    }

    /// The same for replies that are not streamed: what they have written by now is guessed from those before them.
    pub(super) fn follow(&mut self, now: Micros) {
        for flight in self.in_flight.values().filter(|flight| !flight.stream) {
            let route = &self.routes[flight.route];
            // Without a burndown no reply is charged more than it holds.
            if route.burndown() <= 1 {
                continue;
            }
            let Some(output) = route.generation.so_far(now.since(flight.sent)) else { continue };
            let input = flight.quote.input;
            let output = output.min(flight.quote.costs.hold().saturating_sub(input));
            flight.tickets.progress(&mut self.limiter, input, output, route.burndown(), now);
        }
    }

    fn ended(&mut self, id: u64, attempt: Attempt) {
        let Some(flight) = self.in_flight.remove(&id) else { return };
        let now = self.clock.now();
        let latency = now.since(flight.sent);
        let route = &mut self.routes[flight.route];
        route.in_flight = route.in_flight.saturating_sub(1);
        self.latencies.attempt.record(latency, now);
        route.latency.record(latency, now);
        let Attempt { result, request_id, .. } = attempt;
        match result {
            Ok(reply) => self.succeeded(flight, reply, request_id, latency, now),
            Err(failure) => self.failed(flight, failure, request_id, latency, now),
        }
    }

    fn succeeded(
        &mut self,
        mut flight: InFlight,
        reply: Reply,
        request_id: Option<String>,
        latency: Micros,
        now: Micros,
    ) {
        let (usage, source) = reply.usage.unwrap_or_else(|| {
            let output = reply.text_bytes.div_ceil(BYTES_PER_TOKEN);
            (Usage { input: flight.quote.input, output, ..Usage::default() }, UsageSource::Estimate)
        });
        self.charge(&flight, &usage, now);
        let route = &mut self.routes[flight.route];
        self.reporting.succeeded(&route.setup.route, &reply, &usage, latency);
        let model = route.setup.model_id().as_str().to_string();
        let price = route.setup.price(&usage);
        self.money.settle(flight.quote.worst, price, source == UsageSource::Estimate, &model);
        self.spend(flight.route, price.unwrap_or_default(), now);
        let route = &mut self.routes[flight.route];
        if source != UsageSource::Estimate {
            let uncached = usage.input.saturating_add(usage.cache_write);
            let actual = uncached.saturating_add(usage.cache_read);
            let body = &flight.work.record.body;
            self.estimator.observe(&model, body.text_kind, body.raw_input, actual);
            let charged = uncached as f64 / actual.max(1) as f64;
            self.outputs.observe(&model, usage.output, charged);
            if !flight.stream {
                route.generation.observe(usage.output, latency);
            }
        }
        for window in [&mut self.window, &mut route.window] {
            window.at(now).ok += 1;
        }
        route.largest_accepted = route.largest_accepted.max(flight.quote.costs.hold());
        if flight.unparks {
            self.works_again(flight.route);
        }
        self.budget.success(self.settings.retry_budget_percent, now);
        self.health(&flight, true, now);
        if let Some(stream) = reply.stream {
            self.latencies.ttft.record(stream.first_token, now);
            if usage.output >= 2 {
                let generating = stream.last_token.since(stream.first_token);
                self.latencies.tpot.record(Micros(generating.0 / (usage.output - 1)), now);
            }
        }
        self.remember(flight.quote.costs.hold(), &flight.work, usage.output, latency);
        flight.work.cost += price.unwrap_or_default();
        self.book(&flight, price.unwrap_or_default());
        let end = End {
            work: flight.work,
            route: flight.route,
            hold: flight.quote.costs.hold(),
            result: Ok(reply),
            usage: Some((usage, source)),
            request_id,
            latency,
        };
        self.finish(end, now);
    }

    fn failed(
        &mut self,
        mut flight: InFlight,
        failure: Failure,
        request_id: Option<String>,
        latency: Micros,
        now: Micros,
    ) {
        let class = failure.class;
        let index = flight.route;
        for window in [&mut self.window, &mut self.routes[index].window] {
            window.at(now).failed[class.index()] += 1;
        }
        self.totals.failed[class.index()] += 1;
        let words = sanitise(&failure.to_string());
        self.routes[index].last_error = Some(words.clone());

        // The limiter and the books: what the service keeps of it.
        let cap = self.settings.retry_cap;
        let retry_after = failure.retry_after.map(|wait| wait.min(cap));
        let mut price = Usd::ZERO;
        let billed = failure.maybe_billed || failure.usage.is_some();
        let usage = failure.usage.unwrap_or(Usage {
            input: flight.quote.input,
            output: flight.quote.output.max(failure.text_bytes.div_ceil(BYTES_PER_TOKEN)),
            ..Usage::default()
        });
        if let Some(cause) = ThrottleCause::of(class) {
            self.reporting.throttled(&self.routes[index].setup.route, cause);
        }
        if let Some(why) = reject_of(class) {
            let meters = self.routes[index].meters;
            flight.tickets.reject(&meters, &mut self.limiter, why, retry_after, now);
        } else if billed {
            self.charge(&flight, &usage, now);
        } else {
            flight.tickets.release(&mut self.limiter, now);
            if let Some(wait) = retry_after {
                self.routes[index].meters.hold_off(&mut self.limiter, now + wait, now);
            }
        }
        if billed {
            let route = &self.routes[index];
            if reject_of(class).is_some() {
                // Throttled in the middle of its stream: it was admitted, and what was generated is charged.
                self.minutes.invoked(index, service_ms(&self.clock, &self.clients), &usage, route.burndown());
            }
            let model = route.setup.route.model.as_str().to_string();
            let known = route.setup.price(&usage);
            self.money.settle(flight.quote.worst, known, failure.usage.is_none(), &model);
            price = known.unwrap_or_default();
            self.spend(index, price, now);
        } else {
            self.minutes.refused(index, service_ms(&self.clock, &self.clients), &failure);
            self.money.release(flight.quote.worst);
        }
        flight.work.cost += price;
        self.book(&flight, price);
        if Breaker::counts(class) {
            self.health(&flight, false, now);
        } else {
            self.routes[index].breaker.probe_undecided(flight.probe);
        }
        if flight.unparks {
            // The cause may have changed; if this failure does not park the scope again, it is open.
            let again = self.routes[index].parked.take();
            if matches!(class.reach(), Reach::Scope | Reach::Run) {
                self.park(index, &failure, again.map(|park| park.pause), now);
            } else if let Some(mut park) = again
                && !class.is_throttle()
                && class.reach() == Reach::Attempt
            {
                park.probing = false;
                park.probe_at = now + park.pause;
                self.routes[index].parked = Some(park);
            }
        } else if matches!(class.reach(), Reach::Scope | Reach::Run) {
            self.park(index, &failure, None, now);
        }

        // The record.
        let route = self.routes[index].setup.route.clone();
        flight.work.last = Some((route, failure.clone()));
        let adaptive = self.settings.limiter.preset == Preset::Adaptive;
        match class.reach() {
            Reach::Record => self.finish(End::failed(flight, failure, request_id, latency), now),
            Reach::Scope | Reach::Run => self.put_back(flight.work),
            Reach::Attempt if class.is_throttle() && adaptive => {
                if self.can_never_go(&mut flight, class, now) {
                    let hold = flight.quote.costs.hold();
                    let advice = never_advice(Why::LargerThanBurst, hold, flight.work.record.body.max_tokens);
                    self.fail_unsent(flight.work, index, hold, advice, now);
                } else {
                    self.put_back(flight.work);
                }
            }
            Reach::Attempt => {
                if !(adaptive && class == ErrorClass::Capacity) {
                    flight.work.counted += 1;
                }
                if flight.work.counted >= self.settings.max_attempts {
                    return self.finish(End::failed(flight, failure, request_id, latency), now);
                }
                let delay = backoff(flight.work.attempts, self.settings.retry_base, cap, &mut self.rng);
                let due = now + delay.max(retry_after.unwrap_or_default());
                self.retry(flight.work, due);
            }
        }
    }

    /// Whether a throttled record is larger than anything that this scope ever admits. Only where no quota is known: a
    /// known one has told the limiter already.
    fn can_never_go(&self, flight: &mut InFlight, class: ErrorClass, now: Micros) -> bool {
        let route = &self.routes[flight.route];
        class == ErrorClass::ThrottleTpm
            && route.in_flight == 0
            && route.setup.quota.tpm == QuotaLimit::Unknown
            && flight.quote.costs.hold() > route.largest_accepted
            && flight.work.throttled_alone(now)
    }

    /// An attempt that was given up while in flight: whatever it cost, nobody will tell us.
    pub(super) fn abandon(&mut self, mut flight: InFlight, now: Micros) {
        let route = &mut self.routes[flight.route];
        route.in_flight = route.in_flight.saturating_sub(1);
        // Whoever waits for what this attempt finds out must not wait for ever: the next one finds it out.
        route.breaker.probe_undecided(flight.probe);
        if flight.unparks
            && let Some(park) = route.parked.as_mut()
        {
            park.probing = false;
        }
        let usage = Usage { input: flight.quote.input, output: flight.quote.output, ..Usage::default() };
        let model = route.setup.route.model.as_str().to_string();
        let price = route.setup.price(&usage);
        self.charge(&flight, &usage, now);
        self.money.settle(flight.quote.worst, price, true, &model);
        self.spend(flight.route, price.unwrap_or_default(), now);
        flight.work.cost += price.unwrap_or_default();
        self.book(&flight, price.unwrap_or_default());
        self.put_back(flight.work);
    }

    /// Money that an attempt cost.
    fn spend(&mut self, route: usize, price: Usd, now: Micros) {
        let route = &mut self.routes[route];
        route.spent += price;
        for window in [&mut self.window, &mut route.window] {
            window.at(now).spent += price.0;
        }
    }

    /// What the service charges its meters for an attempt; tells the limiter and the windows.
    fn charge(&mut self, flight: &InFlight, usage: &Usage, now: Micros) {
        let route = &mut self.routes[flight.route];
        let charged = flight.tickets.settle(&mut self.limiter, usage, route.burndown(), now);
        route.settled += charged;
        self.minutes.invoked(flight.route, service_ms(&self.clock, &self.clients), usage, route.burndown());
        self.reporting.settled(&route.setup.route, charged, flight.quote.costs.hold());
        for window in [&mut self.window, &mut route.window] {
            let second = window.at(now);
            second.settled += charged;
            second.released += flight.quote.costs.hold();
        }
        let record = &flight.work.record;
        let taken_for = i64::try_from(flight.work.queue_cost()).unwrap_or(i64::MAX);
        let difference = i64::try_from(charged).unwrap_or(i64::MAX).saturating_sub(taken_for);
        self.queue.correct(record.flow, record.priority, difference);
    }

    fn health(&mut self, flight: &InFlight, ok: bool, now: Micros) {
        let settings = self.settings.breaker();
        let route = &mut self.routes[flight.route];
        route.illness.outcome(ok, now);
        let change = route.breaker.outcome(ok, flight.probe, settings, now);
        if change == Some(BreakerChange::Closed) {
            // The failures that opened it are dealt with.
            route.illness = Illness::default();
        }
        let name = route.setup.route.clone();
        let (level, what) = match change {
            Some(BreakerChange::Opened) => (Level::Warning, format!("{name}: breaker open")),
            Some(BreakerChange::Closed) => (Level::Info, format!("{name}: breaker closed")),
            None => return,
        };
        self.chronicle.mark(now, utc_ms(&self.clock), level, what);
    }

    /// The cause for which a scope was parked is gone; what held for all scopes is gone for all.
    fn works_again(&mut self, index: usize) {
        let Some(park) = self.routes[index].parked.take() else { return };
        let mut text = format!("{} works again", self.routes[index].setup.route);
        if park.kind == ParkKind::Credentials {
            text = "the credentials work again".to_string();
            for route in &mut self.routes {
                if route.parked.as_ref().is_some_and(|other| other.kind == ParkKind::Credentials) {
                    route.parked = None;
                }
            }
        }
        let now = self.clock.now();
        self.chronicle.mark(now, utc_ms(&self.clock), Level::Info, text);
    }

    /// Parks a scope (or, for credentials, every scope).
    fn park(&mut self, index: usize, failure: &Failure, last_pause: Option<Micros>, now: Micros) {
        let pause = last_pause.map_or(FIRST_PROBE, |last| (last + last).min(LONGEST_PROBE));
        let words = sanitise(&failure.to_string());
        let name = self.routes[index].setup.route.clone();
        let (kind, remedy) = match failure.class {
            ErrorClass::ThrottleTpd => {
                (ParkKind::Day, "wait for the day's reset (00:00 UTC), or send to another Region or model".to_string())
            }
            ErrorClass::Credentials => (
                ParkKind::Credentials,
                "renew the credentials, e.g. `aws sso login`; the run goes on by itself".to_string(),
            ),
            _ => (ParkKind::Access, format!("grant access to {} in {}, or drain that Region", name.model, name.region)),
        };
        let probe_at = if kind == ParkKind::Day {
            self.limiter.status(self.routes[index].meters.main, now).held_off_until.unwrap_or(now + pause)
        } else {
            now + pause
        };
        let parked = Parked { kind, cause: words.clone(), remedy: remedy.clone(), probe_at, probing: false, pause };
        let everywhere = failure.class.reach() == Reach::Run;
        let mut news = false;
        for (other, route) in self.routes.iter_mut().enumerate() {
            if other != index && !everywhere {
                continue;
            }
            let known = route.parked.as_ref().is_some_and(|park| park.kind == kind);
            // Answers to attempts that were in flight when it was parked change nothing.
            if !known {
                route.parked = Some(parked.clone());
                news |= last_pause.is_none();
            }
        }
        if news {
            let text = if everywhere {
                format!("all parked: {words}; {remedy}")
            } else {
                format!("{name} parked: {words}; {remedy}")
            };
            self.chronicle.mark(now, utc_ms(&self.clock), Level::Error, text);
        }
    }

    fn retry(&mut self, work: Work, due: Micros) {
        if self.is_current(&work) {
            self.retries.push(std::cmp::Reverse(Retry { due, work }));
        }
    }

    pub(super) fn is_current(&self, work: &Work) -> bool {
        self.load.as_ref().is_some_and(|load| load.id == work.load)
    }

    /// Tells the journal of the run what an attempt cost.
    fn book(&mut self, flight: &InFlight, price: Usd) {
        if let Some(load) = self.load.as_mut().filter(|load| load.id == flight.work.load)
            && let Some(journal) = load.journal.as_mut()
        {
            // Kept by the journal on error, and the next `started` reports it.
            let _ = journal.settled(flight.work.record.seq, price);
        }
    }

    /// Means over about the last hundred requests, for the verdict.
    fn remember(&mut self, hold: u64, work: &Work, output: u64, latency: Micros) {
        let totals = &mut self.totals;
        let weight = if totals.replies < 100 { 1.0 / (totals.replies + 1) as f64 } else { 0.01 };
        let mix = |mean: &mut f64, value: f64| *mean += weight * (value - *mean);
        mix(&mut totals.mean_hold, hold as f64);
        mix(&mut totals.mean_max_tokens, work.record.body.max_tokens.map_or(hold as f64, |max| max as f64));
        mix(&mut totals.mean_latency, latency.secs_f64());
        if totals.replies.is_multiple_of(200) {
            totals.largest_output = [0, totals.largest_output[0]];
        }
        totals.largest_output[0] = totals.largest_output[0].max(output);
        totals.replies += 1;
    }

    /// The record has its result.
    fn finish(&mut self, end: End, now: Micros) {
        let End { work, route: index, hold, result, usage, request_id, latency } = end;
        let response = now.since(work.record.due);
        self.latencies.response.record(response, now);
        self.latencies.logical.record(now.since(work.first_sent.unwrap_or(now)), now);
        let route = self.routes[index].setup.route.clone();
        let priced = self.routes[index].setup.price(&Usage::default()).is_some();
        self.chronicle.finished(RequestView {
            id: sanitise(work.record.id.as_str()).as_str().into(),
            priority: work.record.priority,
            route: route.clone(),
            utc_ms: utc_ms(&self.clock),
            attempts: work.attempts,
            attempt: latency,
            response,
            usage: usage.map(|(usage, _)| usage),
            reserved: hold,
            max_tokens: work.record.body.max_tokens,
            price: priced.then_some(work.cost),
            failure: result.as_ref().err().map(|failure| (failure.class, sanitise(&failure.to_string()))),
            request_id: request_id.clone(),
        });
        self.window.at(now).done += u32::from(result.is_ok());
        let Some(load) = self.load.as_mut().filter(|load| load.id == work.load) else { return };
        if let Some((usage, _)) = usage {
            let sum = &mut load.view.usage;
            sum.input += usage.input;
            sum.output += usage.output;
            sum.cache_read += usage.cache_read;
            sum.cache_write += usage.cache_write;
        }
        if result.is_ok() {
            load.view.succeeded += 1;
        } else {
            load.view.failed += 1;
        }
        if work.record.deadline.is_some_and(|deadline| now > deadline) {
            load.view.late += 1;
        }
        if let Some(rate) = &load.rate {
            rate.completed();
        }
        if let Some(delivery) = &load.delivery {
            load.undelivered += 1;
            delivery.send(Parcel::Result(Box::new(Finished {
                cost: priced.then_some(work.cost),
                record: work.record,
                result,
                attempts: work.attempts,
                route,
                simulated: self.target.simulated,
                usage,
                attempt_latency: latency,
                response_time: response,
                request_id,
            })));
        }
    }

    /// A record that is refused before anything is sent.
    pub(super) fn fail_unsent(&mut self, work: Work, route: usize, hold: u64, advice: String, now: Micros) {
        let failure = Failure {
            class: ErrorClass::TooLarge,
            code: "RequestTooLarge".into(),
            message: advice,
            status: None,
            retry_after: None,
            maybe_billed: false,
            usage: None,
            text_bytes: 0,
        };
        self.totals.failed[ErrorClass::TooLarge.index()] += 1;
        let end = End { work, route, hold, result: Err(failure), usage: None, request_id: None, latency: Micros::ZERO };
        self.finish(end, now);
    }
}

/// How a record ended.
struct End {
    work: Work,
    route: usize,
    hold: u64,
    result: Result<Reply, Failure>,
    usage: Option<(Usage, UsageSource)>,
    request_id: Option<String>,
    latency: Micros,
}

impl End {
    fn failed(flight: InFlight, failure: Failure, request_id: Option<String>, latency: Micros) -> End {
        End {
            work: flight.work,
            route: flight.route,
            hold: flight.quote.costs.hold(),
            result: Err(failure),
            usage: None,
            request_id,
            latency,
        }
    }
}

/// What a throttle says about which meter.
fn reject_of(class: ErrorClass) -> Option<Reject> {
    match class {
        ErrorClass::ThrottleRpm => Some(Reject::Rpm),
        ErrorClass::ThrottleTpm => Some(Reject::Tpm),
        ErrorClass::ThrottleTpd => Some(Reject::Tpd),
        ErrorClass::ThrottleOther => Some(Reject::Unspecified),
        _ => None,
    }
}
