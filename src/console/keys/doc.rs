//! The help text: every action from the table, every term of the screens.

use crate::console::ui::fmt;
use crate::warnings::NAMES;

use super::{ACTIONS, ActionSpec, Keymap, Place};

/// A line of help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocLine {
    /// A heading.
    Heading(&'static str),
    /// A key or a term, and what it does or means; the name is empty where the line above goes on.
    Entry(String, String),
    /// Nothing.
    Blank,
}

/// Cells of the column with the keys.
pub const KEYS: usize = 12;
/// Cells of the column with the terms.
pub const TERMS: usize = 18;

/// The sections of the keys: heading, and which rows belong there.
pub(super) type Section = (&'static str, fn(&ActionSpec) -> bool);

pub(super) const SECTIONS: [Section; 9] = [
    ("Screens", |row| row.name.starts_with("screen.") || matches!(row.name, "help" | "palette")),
    ("The load", |row| row.name.starts_with("load.")),
    ("Tuning (2)", |row| row.name.starts_with("tune.")),
    ("Provisioned throughput (3), batch jobs (4), the account (6)", |row| {
        ["account.", "provisioned.", "batch."].iter().any(|room| row.name.starts_with(room))
    }),
    ("Lists: 3, 4, requests (5), log (7)", |row| {
        row.name == "view.filter" || row.places.iter().all(|place| matches!(place, Place::Requests | Place::Log))
    }),
    ("Display", |row| (row.name.starts_with("view.") && row.name != "view.filter") || row.name == "incident.export"),
    ("Charts: the last hour (1)", |row| row.name.starts_with("chart.")),
    ("Replay", |row| row.name.starts_with("replay.")),
    ("Moving and leaving", |row| {
        row.name.starts_with("move.")
            || matches!(row.name, "open" | "submit" | "back" | "suspend" | "quit" | "interrupt")
    }),
];

const GLOSSARY: [(&str, &str); 31] = [
    ("RPM, TPM, TPD", "Requests per minute, quota tokens per minute, quota tokens per day (UTC)."),
    ("hold", "What Bedrock reserves when it admits a request: input plus max_tokens."),
    ("settle", "What it finally charges to the quota: input plus output times burndown."),
    ("burndown", "Quota tokens per output token: 1, or 5 and more for recent Claude models."),
    ("of hold", "Settled over held at admission. Low: max_tokens is too large. Over 100%: burndown."),
    ("target", "What the limiter allows itself now, per minute."),
    ("quota", "What the service allows, and where that number came from."),
    ("debt", "What is in flight will settle above its hold by this much."),
    ("epoch", "The throttles of one reaction time: the limiter backs off once for all of them."),
    ("throttle", "A 429: our quota is used up (RPM, TPM or TPD). Not a failure of the record: it waits."),
    ("capacity", "A 503: the service has no room. Not our quota."),
    ("scope", "What has the quota: one Region and one model or profile."),
    ("route", "Where a request can be sent: one Region and one model, profile or ARN."),
    ("record", "What you gave; exactly one result is owed for it."),
    ("attempt", "One HTTP exchange for a record."),
    ("attempt latency", "From sending one attempt to its end."),
    ("logical latency", "From the first attempt's start to the result, retries and waits included."),
    ("response", "From the moment the record was due to its result, queue included."),
    ("queue wait", "From the record's arrival to its first attempt."),
    ("TTFT", "Time to first token of a streamed reply."),
    ("TPOT", "Time per output token after the first, streamed replies."),
    ("breaker", "Open: a Region failed too often and gets nothing until a probe succeeds."),
    ("parked", "Nothing is sent until the cause is gone; the records stay in the queue."),
    ("MU", "Model unit of provisioned throughput: so many tokens per minute, paid by the hour."),
    ("commitment", "A term of provisioned throughput: cheaper, and not to be deleted before its end."),
    ("slot", "A place for a batch job: so many at a time per model and Region."),
    ("generation", "A job that resubmits what another one left is its next generation."),
    ("others", "What the account uses beside us, by CloudWatch: at least, since their reservations are invisible."),
    ("P90", "Nine tenths of the last hour's minutes used no more."),
    ("pool", "Tokens per day that all models of a Region share."),
    ("client-limited", "This machine cannot make the arrivals that it was asked for."),
];

/// The keys, for a column of `width` cells.
#[must_use]
pub fn key_lines(keymap: &Keymap, width: usize) -> Vec<DocLine> {
    let mut lines = Vec::new();
    for (heading, of) in SECTIONS {
        open(&mut lines, heading);
        for row in ACTIONS.iter().filter(|row| of(row)) {
            entry(&mut lines, keymap.text(row.action), row.help, width, KEYS);
        }
    }
    lines
}

/// The terms, for a column of `width` cells.
#[must_use]
pub fn term_lines(width: usize) -> Vec<DocLine> {
    let mut lines = Vec::new();
    open(&mut lines, "Terms");
    for (term, meaning) in GLOSSARY {
        entry(&mut lines, term.to_owned(), meaning, width, TERMS);
    }
    open(&mut lines, "Named warnings");
    for named in &NAMES {
        entry(&mut lines, named.word.to_owned(), named.meaning, width, TERMS);
    }
    lines
}

fn open(lines: &mut Vec<DocLine>, heading: &'static str) {
    if !lines.is_empty() {
        lines.push(DocLine::Blank);
    }
    lines.push(DocLine::Heading(heading));
}

fn entry(lines: &mut Vec<DocLine>, name: String, text: &str, width: usize, column: usize) {
    let mut name = name;
    for part in fmt::wrap(text, width.saturating_sub(column + 1).max(10)) {
        lines.push(DocLine::Entry(std::mem::take(&mut name), part));
    }
}

/// How many lines help has in `width` cells: the keys above the terms, or beside them where both fit.
#[must_use]
pub fn height(keymap: &Keymap, width: usize) -> usize {
    match columns(width) {
        (keys, Some(terms)) => key_lines(keymap, keys).len().max(term_lines(terms).len()),
        (all, None) => key_lines(keymap, all).len() + 1 + term_lines(all).len(),
    }
}

/// Blank cells between the columns of help.
pub const BETWEEN: usize = 4;

/// The widths of the columns of help: keys and terms beside each other, or one column for both.
#[must_use]
pub const fn columns(width: usize) -> (usize, Option<usize>) {
    if width >= 110 {
        let keys = (width - BETWEEN) / 2;
        (keys, Some(width - BETWEEN - keys))
    } else {
        (width, None)
    }
}
