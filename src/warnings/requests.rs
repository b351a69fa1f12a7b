//! About the requests themselves, by the last that succeeded.

use crate::engine::RequestView;
use crate::record::Usage;
use crate::report::count;

use super::{About, ENOUGH, Moment, Name, Warning};

/// What is older than this is no news.
const RECENT_MS: i64 = 5 * 60_000;
/// One in so many is worth a word.
const ONE_IN: usize = 10;
/// Input tokens from which a request is long.
const LONG: u64 = 100_000;
/// An estimate may be off by this part.
const BIAS: f64 = 0.2;

pub(super) fn find(moment: &Moment<'_>, found: &mut Vec<Warning>) {
    let engine = moment.engine;
    let since = engine.utc_ms.saturating_sub(RECENT_MS);
    let succeeded = engine.recent.iter().filter(|request| request.failure.is_none() && request.utc_ms >= since);
    let recent: Vec<(&RequestView, Usage)> = succeeded.filter_map(|request| Some((request, request.usage?))).collect();
    found.extend(no_max_tokens(&recent));
    found.extend(replies_cut(&recent));
    found.extend(long_context(&recent));
    let estimator = engine.estimator;
    if estimator.n >= ENOUGH && estimator.bias.abs() > BIAS && estimator.bias.is_finite() {
        found.push(estimate_off(estimator.n, estimator.bias));
    }
}

fn about_requests(name: Name, words: String, remedy: String) -> Warning {
    Warning { name, about: About::Requests, words, remedy }
}

fn enough(requests: usize) -> bool {
    requests as u64 >= ENOUGH
}

fn no_max_tokens(recent: &[(&RequestView, Usage)]) -> Option<Warning> {
    let bare: Vec<_> = recent.iter().filter(|(request, _)| request.max_tokens.is_none()).collect();
    if !enough(recent.len()) || bare.is_empty() || bare.len() * ONE_IN < recent.len() {
        return None;
    }
    let mean = |of: fn(&(&RequestView, Usage)) -> u64| {
        let sum = bare.iter().fold(0u64, |sum, one| sum.saturating_add(of(one)));
        sum / bare.len() as u64
    };
    let (held, used) = (mean(|(request, _)| request.reserved), mean(|(_, usage)| usage.output));
    let longest = bare.iter().map(|(_, usage)| usage.output).max().unwrap_or(0);
    let words = format!(
        "{} of the last {} records set no max_tokens: each holds {} quota tokens for a reply of {}",
        bare.len(),
        recent.len(),
        count(held),
        count(used)
    );
    let remedy = format!(
        "set max_tokens in the records, by run --max-tokens, or in the load form; the longest reply of late had {}",
        count(longest)
    );
    Some(about_requests(Name::NoMaxTokens, words, remedy))
}

fn replies_cut(recent: &[(&RequestView, Usage)]) -> Option<Warning> {
    let limited = recent.iter().filter_map(|(request, usage)| Some((usage.output, request.max_tokens?)));
    let (mut all, mut cut, mut largest) = (0, 0, 0);
    for (output, most) in limited {
        all += 1;
        if output >= most {
            cut += 1;
            largest = largest.max(most);
        }
    }
    if !enough(all) || cut == 0 || cut * ONE_IN < all {
        return None;
    }
    let words = format!("{cut} of the last {all} replies ended at max_tokens ({} at most): cut short", count(largest));
    Some(about_requests(Name::RepliesCut, words, "raise max_tokens for these records, or ask for less text".to_owned()))
}

fn long_context(recent: &[(&RequestView, Usage)]) -> Option<Warning> {
    let input = |usage: &Usage| usage.input.saturating_add(usage.cache_read).saturating_add(usage.cache_write);
    let long = recent.iter().map(|(_, usage)| input(usage)).filter(|input| *input > LONG);
    let (n, largest) = long.fold((0, 0), |(n, largest), input| (n + 1, largest.max(input)));
    if n == 0 || !enough(recent.len()) {
        return None;
    }
    let words = format!(
        "{n} of the last {} requests had more than {} input tokens, the largest {}",
        recent.len(),
        count(LONG),
        count(largest)
    );
    let remedy = "split or shorten long prompts: one takes the quota of many, and past the context window it fails";
    Some(about_requests(Name::LongContext, words, remedy.to_owned()))
}

fn estimate_off(n: u64, bias: f64) -> Warning {
    let (way, remedy) = if bias > 0.0 {
        (
            "high",
            "quota stays unused while it learns: send texts of one kind (prose, code, Chinese) in runs of their own",
        )
    } else {
        ("low", "too much is admitted while it learns: lower the share of the quota")
    };
    let words = format!("input tokens are estimated {:.0} % too {way}, over {} requests", bias.abs() * 100.0, count(n));
    about_requests(Name::EstimateOff, words, remedy.to_owned())
}
