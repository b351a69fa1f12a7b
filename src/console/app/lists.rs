//! Lists that grow at the top while somebody reads them: the selection stays on its row, not on its number.

use crate::engine::{JournalLine, Level, RequestView};

/// What names a row: its UTC milliseconds and its text.
pub type RowKey = (i64, String);

/// A list's filter and selection.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// Keep rows that contain every word of this.
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

/// The words of a filter: a row must contain each of them somewhere, whatever their case.
pub struct Words(Vec<String>);

impl Words {
    /// The words of `filter`.
    #[must_use]
    pub fn new(filter: &str) -> Words {
        Words(filter.split_whitespace().map(str::to_lowercase).collect())
    }

    /// Whether each word is somewhere in `fields`.
    #[must_use]
    pub fn found_in(&self, fields: &[&str]) -> bool {
        self.0.iter().all(|word| fields.iter().any(|field| field.to_lowercase().contains(word.as_str())))
    }

    /// Whether a finished record is kept: id, priority, route, result, message, request id.
    #[must_use]
    pub fn match_request(&self, request: &RequestView) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let (class, message) = match &request.failure {
            Some((class, message)) => (class.label(), message.as_str()),
            None => ("ok", ""),
        };
        self.found_in(&[
            request.id.as_str(),
            request.priority.name(),
            request.route.region.as_str(),
            request.route.model.as_str(),
            class,
            message,
            request.request_id.as_deref().unwrap_or(""),
        ])
    }

    /// Whether a line of the journal is kept.
    #[must_use]
    pub fn match_line(&self, line: &JournalLine) -> bool {
        self.found_in(&[level_name(line.level), &line.text])
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
