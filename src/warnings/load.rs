//! About the load: arrivals, queue, deadlines.

use crate::engine::EngineSnapshot;
use crate::report::{count, span};

use super::{About, ENOUGH, Moment, Name, Warning};

/// Seconds over which a queue has to grow.
const GROWING: usize = 120;
/// Seconds at the beginning, in the middle and at the end of them that are compared.
const PIECE: usize = 10;
/// A queue that grew by less than so many records did not grow.
const GREW: f64 = 20.0;
/// Nor did one that grew by less than this part of what arrived: arrivals scatter.
const GREW_PART: f64 = 0.05;

pub(super) fn find(moment: &Moment<'_>, found: &mut Vec<Warning>) {
    let engine = moment.engine;
    found.extend(client_limited(engine));
    found.extend(queue_grows(engine));
    found.extend(deadline_late(engine));
}

fn client_limited(engine: &EngineSnapshot) -> Option<Warning> {
    let flow = &engine.flow;
    let asked = flow.requested_rps.filter(|_| flow.client_limited && engine.run.attempts >= ENOUGH)?;
    let late = engine.client.schedule_delay.p99.map(|late| format!("one in a hundred is {} late or more", span(late)));
    let made = flow.arrived_rps;
    // It may keep up on average and be late all the same.
    let words = match late {
        Some(late) if made >= asked => format!("this machine makes the {asked:.1}/s asked for too late: {late}"),
        Some(late) => format!("{asked:.1}/s were asked for, this machine makes {made:.1}/s; {late}"),
        None => format!("{asked:.1}/s were asked for, this machine makes {made:.1}/s"),
    };
    Some(Warning {
        name: Name::ClientLimited,
        about: About::Arrivals,
        words,
        remedy: "lower the arrival rate, or give the program more CPU".to_owned(),
    })
}

fn queue_grows(engine: &EngineSnapshot) -> Option<Warning> {
    let flow = &engine.flow;
    let asked = flow.requested_rps.filter(|_| engine.run.attempts >= ENOUGH)?;
    let waiting: u64 = flow.queue_depth.iter().sum();
    let dropped = engine.run.dropped;
    let grew = grew(&engine.series.queue).filter(|grew| *grew >= GREW_PART * asked * GROWING as f64);
    if grew.is_none() && (dropped == 0 || waiting == 0) {
        return None;
    }
    let mut words = match grew {
        Some(grew) => format!("the queue grew by {} to {} in 2 minutes", count(grew.round() as u64), count(waiting)),
        None => format!("{} records wait", count(waiting)),
    };
    words += &format!(": {asked:.1}/s arrive, {:.1}/s are done", flow.done_rps);
    if dropped > 0 {
        words += &format!("; {} arrivals were dropped", count(dropped));
    }
    let advice = &engine.verdict.advice;
    let or = if advice.is_empty() { String::new() } else { format!(", or {advice}") };
    Some(Warning {
        name: Name::QueueGrows,
        about: About::Arrivals,
        words,
        remedy: format!("lower the arrival rate{or}"),
    })
}

/// By how much a queue has grown over the last two minutes, if it grew all the time.
fn grew(queue: &[f32]) -> Option<f64> {
    let window = &queue[queue.len().checked_sub(GROWING)?..];
    let mean = |from: usize| {
        let known = window[from..from + PIECE].iter().filter(|value| value.is_finite());
        let (sum, n) = known.fold((0.0, 0), |(sum, n), value| (sum + f64::from(*value), n + 1));
        (n > 0).then(|| sum / f64::from(n))
    };
    let (first, middle, last) = (mean(0)?, mean(GROWING / 2 - PIECE / 2)?, mean(GROWING - PIECE)?);
    (first < middle && middle < last && last - first >= GREW).then_some(last - first)
}

fn deadline_late(engine: &EngineSnapshot) -> Option<Warning> {
    let run = &engine.run;
    if run.attempts < ENOUGH {
        return None;
    }
    let late = match run.late {
        0 => None,
        1 => Some("1 record came after its deadline".to_owned()),
        late => Some(format!("{} records came after their deadlines", count(late))),
    };
    let head = engine.flow.head.as_ref().and_then(|head| Some((head, head.deadline?)));
    let head = head.and_then(|(head, deadline)| {
        let name = &head.record;
        if deadline < engine.at {
            return Some(format!("{name} waits, {} past its deadline", span(engine.at.since(deadline))));
        }
        let until = head.until.filter(|until| *until > deadline)?;
        let (left, waits) = (span(deadline.since(engine.at)), span(until.since(engine.at)));
        Some(format!("{name} is due in {left} and waits {waits}"))
    });
    let words = match (late, head) {
        (None, None) => return None,
        (Some(one), None) | (None, Some(one)) => one,
        (Some(late), Some(head)) => format!("{late}; {head}"),
    };
    Some(Warning {
        name: Name::DeadlineLate,
        about: About::Queue,
        words,
        remedy: "give what is urgent the class high, add a Region, or send less beside it".to_owned(),
    })
}
