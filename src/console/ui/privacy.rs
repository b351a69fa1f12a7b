//! Privacy: who and whose account it is does not leave the screen.
//!
//! It is one pass over the drawn cells, the last of every frame, on the terminal and in pictures alike. Functions that
//! format an account or a caller could be gone round by the next screen, which prints a text of the service with an ARN
//! in it; past this pass no cell gets. What it must look for is taken from what is on display (account, caller,
//! profile, label, buckets), beside what gives itself away: twelve digits, the bucket of an S3 address, the names in the
//! ARN of a caller. Each masked character keeps its cells, so nothing moves.

use std::collections::BTreeSet;

use ratatui::buffer::{Buffer, CellWidth};
use ratatui::layout::Rect;

use crate::console::app::State;
use crate::control::ControlSnapshot;
use crate::engine::EngineSnapshot;

/// What stands in the place of a masked cell.
const MASK: &str = "*";
/// Digits of an account id.
const ACCOUNT: usize = 12;
/// Digits of the parts of a time of day, which stand between colons as an account does; so few of an account tell nothing.
const TIME: usize = 2;
/// What stands before a name that gives itself away: a bucket, and whoever calls.
const BEFORE_NAMES: [&str; 5] = ["s3://", "arn:aws:s3:::", "assumed-role/", "federated-user/", ":user/"];

/// Masks what `state` knows to be private in `area`.
pub(super) fn mask(state: &State, area: Rect, buf: &mut Buffer) {
    let secrets = secrets(state);
    let mut rows: Vec<Row> = (area.top()..area.bottom()).map(|y| Row::read(y, area, buf)).collect();
    for row in &mut rows {
        row.mask_accounts();
        row.mask_names();
        for secret in &secrets {
            row.mask_whole(secret);
            row.mask_cut(secret);
        }
    }
    for at in 1..rows.len() {
        let (above, below) = rows.split_at_mut(at);
        let (above, below) = (&mut above[at - 1], &mut below[0]);
        for secret in &secrets {
            mask_wrapped(above, below, secret);
        }
        mask_wrapped_account(above, below);
    }
    for row in &rows {
        row.write(buf);
    }
}

/// The texts that must not be seen.
fn secrets(state: &State) -> Vec<Vec<char>> {
    let mut found = BTreeSet::new();
    of_engine(&state.live, &mut found);
    of_engine(state.shown(), &mut found);
    for account in state.control.iter().chain(&state.frozen_control) {
        of_account(account, &mut found);
    }
    for value in &state.settings.values {
        if value.key == "profile" || value.key.ends_with(".label") {
            found.insert(value.value.clone());
        }
    }
    // These name nobody: a setting that is not set, the caller of every simulator; a single letter would hide half of every word.
    found.retain(|text| text.chars().count() > 1 && !["default", "none", "root", "simulated"].contains(&text.as_str()));
    found.iter().map(|text| text.chars().collect()).collect()
}

fn of_engine(snapshot: &EngineSnapshot, found: &mut BTreeSet<String>) {
    let target = &snapshot.target;
    found.extend(target.account.iter().chain(&target.account_label).chain(&target.profile).cloned());
    target.caller.iter().for_each(|arn| of_caller(arn, found));
}

fn of_account(account: &ControlSnapshot, found: &mut BTreeSet<String>) {
    if let Some(identity) = &account.identity {
        found.insert(identity.account.clone());
        of_caller(&identity.arn, found);
    }
    for change in &account.changes {
        change.caller.iter().for_each(|arn| of_caller(arn, found));
    }
    for job in &account.jobs {
        for place in [&job.job.input, &job.job.output] {
            let bucket = place.strip_prefix("s3://").and_then(|rest| rest.split('/').next());
            found.extend(bucket.filter(|bucket| !bucket.is_empty()).map(str::to_owned));
        }
    }
}

/// The names in the ARN of a caller: user, role, session.
fn of_caller(arn: &str, found: &mut BTreeSet<String>) {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    found.extend(resource.split('/').skip(1).map(str::to_owned));
}

/// A row of the screen: its characters, and the cell of each.
struct Row {
    y: u16,
    text: Vec<char>,
    cells: Vec<(u16, u16)>,
    masked: Vec<bool>,
}

impl Row {
    fn read(y: u16, area: Rect, buf: &Buffer) -> Row {
        let mut row = Row { y, text: Vec::new(), cells: Vec::new(), masked: Vec::new() };
        let mut x = area.left();
        while x < area.right() {
            let cell = &buf[(x, y)];
            let width = cell.cell_width().max(1);
            for c in cell.symbol().chars() {
                row.text.push(c);
                row.cells.push((x, width));
            }
            x += width;
        }
        row.masked = vec![false; row.text.len()];
        row
    }

    fn write(&self, buf: &mut Buffer) {
        for (&(x, width), _) in self.cells.iter().zip(&self.masked).filter(|(_, masked)| **masked) {
            for x in x..x.saturating_add(width).min(buf.area.right()) {
                buf[(x, self.y)].set_symbol(MASK);
            }
        }
    }

    fn hide(&mut self, from: usize, len: usize) {
        for masked in self.masked.iter_mut().skip(from).take(len) {
            *masked = true;
        }
    }

    fn at(&self, at: usize) -> char {
        self.text.get(at).copied().unwrap_or(' ')
    }

    fn before(&self, at: usize) -> char {
        at.checked_sub(1).map_or(' ', |at| self.at(at))
    }

    fn is_at(&self, at: usize, piece: &[char]) -> bool {
        self.text.get(at..).is_some_and(|rest| rest.starts_with(piece))
    }

    /// The runs of digits: where, and how long.
    fn digits(&self) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (at, _) in self.text.iter().enumerate().filter(|(_, c)| c.is_ascii_digit()) {
            match runs.last_mut() {
                Some((from, len)) if *from + *len == at => *len += 1,
                _ => runs.push((at, 1)),
            }
        }
        runs.retain(|&(from, len)| !self.before(from).is_alphanumeric() && !self.at(from + len).is_alphanumeric());
        runs
    }

    /// Twelve digits, and what is left of them in an ARN that was cut.
    fn mask_accounts(&mut self) {
        for (from, len) in self.digits() {
            let cut = is_cut(self.at(from + len)) && self.before(from) == ':';
            let tail = is_cut(self.before(from)) && self.at(from + len) == ':';
            if len == ACCOUNT || (len > TIME && (cut || tail)) {
                self.hide(from, len);
            }
        }
    }

    /// The names behind what always stands before one.
    fn mask_names(&mut self) {
        for start in BEFORE_NAMES {
            let start: Vec<char> = start.chars().collect();
            for at in 0..self.text.len() {
                if self.is_at(at, &start) {
                    let from = at + start.len();
                    let path = start.last() == Some(&'/') && self.before(from - 1) != '/';
                    let name = |c: &&char| {
                        c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '=') || (path && **c == '/')
                    };
                    let len = self.text[from..].iter().take_while(name).count();
                    self.hide(from, len);
                }
            }
        }
    }

    /// The text as a word of its own.
    fn mask_whole(&mut self, secret: &[char]) {
        for at in 0..self.text.len() {
            let word = |row: &Row| !row.before(at).is_alphanumeric() && !row.at(at + secret.len()).is_alphanumeric();
            if self.is_at(at, secret) && word(self) {
                self.hide(at, secret.len());
            }
        }
    }

    /// Its beginning or its end beside an ellipsis or the edge of what lies over it.
    fn mask_cut(&mut self, secret: &[char]) {
        for edge in 0..self.text.len() {
            if !is_cut(self.text[edge]) {
                continue;
            }
            for len in (2..secret.len()).rev() {
                let from = edge.checked_sub(len);
                if let Some(from) = from.filter(|from| self.is_at(*from, &secret[..len]))
                    && !self.before(from).is_alphanumeric()
                {
                    self.hide(from, len);
                    break;
                }
            }
            for len in (2..secret.len()).rev() {
                let tail = &secret[secret.len() - len..];
                let end = self.at(edge + 1 + len);
                if self.is_at(edge + 1, tail) && !end.is_alphanumeric() && !matches!(end, '-' | '_') {
                    self.hide(edge + 1, len);
                    break;
                }
            }
        }
    }

    /// Where `piece` ends a line of text.
    fn ends_with(&self, piece: &[char]) -> Option<usize> {
        (0..self.text.len()).find(|at| {
            let end = self.at(at + piece.len());
            self.is_at(*at, piece) && !self.before(*at).is_alphanumeric() && (end == ' ' || is_cut(end))
        })
    }

    /// Where `piece` begins one.
    fn begins_with(&self, piece: &[char]) -> Option<usize> {
        (0..self.text.len()).find(|at| {
            let before = self.before(*at);
            self.is_at(*at, piece) && (before == ' ' || is_cut(before)) && !self.at(at + piece.len()).is_alphanumeric()
        })
    }
}

/// An ellipsis, or the line of a box.
fn is_cut(c: char) -> bool {
    matches!(c, '…' | '~' | '|' | '+') || ('\u{2500}'..='\u{259f}').contains(&c)
}

/// A text that goes on in the next row.
fn mask_wrapped(above: &mut Row, below: &mut Row, secret: &[char]) {
    for split in 2..secret.len() {
        let (first, rest) = (trim(&secret[..split]), trim(&secret[split..]));
        if first.is_empty() || rest.is_empty() {
            continue;
        }
        if let (Some(a), Some(b)) = (above.ends_with(first), below.begins_with(rest)) {
            above.hide(a, first.len());
            below.hide(b, rest.len());
        }
    }
}

/// An account in an ARN that goes on in the next row.
fn mask_wrapped_account(above: &mut Row, below: &mut Row) {
    for (a, first) in above.digits().into_iter().filter(|&(at, _)| above.before(at) == ':').collect::<Vec<_>>() {
        for (b, rest) in below.digits() {
            if first + rest == ACCOUNT && below.at(b + rest) == ':' {
                above.hide(a, first);
                below.hide(b, rest);
            }
        }
    }
}

fn trim(text: &[char]) -> &[char] {
    let blank = |c: &char| *c == ' ';
    let from = text.iter().take_while(|c| blank(c)).count();
    let to = text.len() - text[from..].iter().rev().take_while(|c| blank(c)).count();
    &text[from..to]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ratatui::style::Style;

    use super::super::dump::text_dump;
    use super::*;
    use crate::console::ui::fixtures;

    fn masked(lines: &[&str]) -> String {
        let state = State::new(Arc::new(fixtures::parked()), (60, 15), Vec::new(), "");
        let area = Rect::new(0, 0, 60, lines.len() as u16);
        let mut buf = Buffer::empty(area);
        for (y, line) in lines.iter().enumerate() {
            buf.set_string(0, y as u16, line, Style::new());
        }
        mask(&state, area, &mut buf);
        text_dump(&buf)
    }

    #[test]
    fn what_is_private_is_masked_in_its_own_cells() {
        let is = |line: &str, seen: &str| assert_eq!(masked(&[line]), format!("{seen}\n"));
        is("account 210987654321, role Ops", "account ************, role ***");
        is("prod-eu (210987654321) · profile prod", "******* (************) · profile ****");
        is("arn:aws:bedrock:us-east-1:111122223333:x/y", "arn:aws:bedrock:us-east-1:************:x/y");
        is("s3://acme-secret/in.jsonl", "s3://***********/in.jsonl");
        is("by assumed-role/Dev/eve@acme.io, well", "by assumed-role/***************, well");
        is("ended 23:08:40… at 14:1…", "ended 23:08:40… at 14:1…");
        is("a product, 1234567890123 ms, Opsis", "a product, 1234567890123 ms, Opsis");
        is("simulated, no cap, root", "simulated, no cap, root");
        is("日本 anna 日本", "日本 **** 日本");
    }

    #[test]
    fn what_was_cut_or_wrapped_is_masked_too() {
        assert_eq!(masked(&["prod-eu (2109…", "arn:aws:iam::1111…"]), "******* (****…\narn:aws:iam::****…\n");
        assert_eq!(masked(&["│87654321: x", "210987│ x"]), "│********: x\n******│ x\n");
        assert_eq!(masked(&["by 210987", "654321 at last"]), "by ******\n****** at last\n");
        assert_eq!(masked(&["arn:aws:iam::11112", "2223333:role/X"]), "arn:aws:iam::*****\n*******:role/X\n");
    }

    #[test]
    fn nothing_to_mask_is_no_trouble() {
        assert_eq!(masked(&[]), "");
        let state = State::new(Arc::new(fixtures::idle()), (1, 1), Vec::new(), "");
        mask(&state, Rect::ZERO, &mut Buffer::empty(Rect::ZERO));
    }
}
