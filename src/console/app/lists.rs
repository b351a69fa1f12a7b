//! Lists that grow at the top while somebody reads them: the selection stays on its row, not on its number.

use std::cmp::Reverse;

use crate::engine::{JournalLine, Level, RequestView};

/// What names a row: its UTC milliseconds and its text.
pub type RowKey = (i64, String);

/// A list's filter and selection.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// Which rows are kept: see [`super::filter`].
    pub filter: String,
    /// The selected row; `None` follows the newest.
    pub selected: Option<RowKey>,
}

impl List {
    /// Where the selection is among `rows`: the newest if nothing is selected or the selected row is gone.
    #[must_use]
    pub fn position<T>(&self, rows: &[&T], key: impl Fn(&T) -> RowKey) -> usize {
        let Some(selected) = &self.selected else { return 0 };
        rows.iter().position(|row| key(row) == *selected).unwrap_or(0)
    }

    /// Moves the selection by `by` rows, stopping at the ends. At the top it follows the newest row again.
    pub fn shift<T>(&mut self, rows: &[&T], key: impl Fn(&T) -> RowKey, by: isize) {
        let at = self.position(rows, &key).saturating_add_signed(by).min(rows.len().saturating_sub(1));
        self.selected = if at == 0 { None } else { rows.get(at).map(|row| key(row)) };
    }
}

/// The key of a finished record.
#[must_use]
pub fn request_key(request: &RequestView) -> RowKey {
    (request.utc_ms, request.id.to_string())
}

/// The key of a line of the journal.
#[must_use]
pub fn line_key(line: &JournalLine) -> RowKey {
    (line.utc_ms, line.text.clone())
}

/// The order of finished records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestSort {
    /// The newest first.
    #[default]
    Newest,
    /// The longest response first.
    Slowest,
    /// The most tokens first; what is not known last.
    Tokens,
    /// The most attempts first.
    Attempts,
}

impl RequestSort {
    /// The next order.
    #[must_use]
    pub const fn next(self) -> RequestSort {
        match self {
            RequestSort::Newest => RequestSort::Slowest,
            RequestSort::Slowest => RequestSort::Tokens,
            RequestSort::Tokens => RequestSort::Attempts,
            RequestSort::Attempts => RequestSort::Newest,
        }
    }

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RequestSort::Newest => "newest",
            RequestSort::Slowest => "slowest",
            RequestSort::Tokens => "most tokens",
            RequestSort::Attempts => "most attempts",
        }
    }

    /// Puts rows in order. They come newest first, and stay so where they are equal.
    pub fn sort(self, rows: &mut [&RequestView]) {
        let tokens = |row: &RequestView| {
            row.usage.map_or(0, |usage| usage.input + usage.cache_read + usage.cache_write + usage.output)
        };
        match self {
            RequestSort::Newest => {}
            RequestSort::Slowest => rows.sort_by_key(|row| Reverse(row.response)),
            RequestSort::Tokens => rows.sort_by_key(|row| Reverse(tokens(row))),
            RequestSort::Attempts => rows.sort_by_key(|row| Reverse(row.attempts)),
        }
    }
}

/// A level in one word.
#[must_use]
pub const fn level_name(level: Level) -> &'static str {
    match level {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}
