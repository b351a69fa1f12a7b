//! Forms: fields that are filled in, checked all at once, and read as one order.
//!
//! One file a form says which fields it has, their words, and what they are read as.

pub mod batch;
pub mod increase;
pub mod load;
pub mod provisioned;

use tui_input::Input;

use crate::console::keys::Chord;
use crate::record::Region;

use super::entry::{self, number};

/// Names a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldId {
    /// Arrival process.
    Arrival,
    /// Rate, or the rate at which a ramp begins.
    Rate,
    /// The rate at which a ramp ends.
    To,
    /// How long a ramp lasts.
    Over,
    /// Workers of a closed loop.
    Workers,
    /// Distribution of input sizes.
    Sizes,
    /// Its first number.
    SizeA,
    /// Its second number.
    SizeB,
    /// `max_tokens`.
    MaxTokens,
    /// Shares of the priorities.
    Mix,
    /// Streamed replies.
    Stream,
    /// Seed.
    Seed,
    /// End after so many records.
    Records,
    /// End after so many seconds.
    Seconds,
    /// Spend cap.
    Cap,
    /// Models.
    Models,
    /// Regions.
    Regions,
    /// A name.
    Name,
    /// A Region.
    Region,
    /// A model, from a list.
    Model,
    /// A model that the list does not have.
    OtherModel,
    /// Model units.
    Units,
    /// Commitment.
    Commitment,
    /// Tags.
    Tags,
    /// A file or an address in S3.
    Source,
    /// Where in S3 upload and results go.
    Storage,
    /// A role, from earlier jobs.
    Role,
    /// A role that no earlier job has.
    OtherRole,
    /// Hours that a job may take.
    Timeout,
    /// A folder here.
    Folder,
    /// One file over all generations.
    Merge,
    /// Over files that are there.
    Overwrite,
    /// A quota.
    Quota,
    /// Requests to be done.
    Requests,
    /// Time until they must be.
    Deadline,
    /// Expected growth.
    Growth,
    /// What it is for.
    UseCase,
    /// The value asked for.
    Value,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// One of a few words.
    Choice {
        /// The words.
        options: Vec<String>,
        /// Which one.
        at: usize,
        /// What was typed to find it.
        sought: String,
    },
    /// Typed text.
    Text(Input),
}

/// A field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub id: FieldId,
    /// What it holds.
    pub content: Content,
}

/// What a form is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A synthetic load.
    Load,
    /// Provisioned throughput to buy.
    Create,
    /// A new name or model for it.
    Change {
        /// Where.
        region: Region,
        /// Which.
        arn: String,
        /// Its name now.
        name: String,
        /// Its model now.
        model: String,
        /// Why another model cannot be put behind it, if it cannot.
        fixed_model: Option<&'static str>,
    },
    /// A batch job to submit.
    Submit,
    /// Results to fetch.
    Fetch {
        /// Where.
        region: Region,
        /// Which job.
        arn: String,
        /// Its name.
        name: String,
    },
    /// More of a quota.
    Increase {
        /// Where.
        region: Region,
        /// What the request is drawn from.
        basis: Box<increase::Basis>,
    },
}

/// The form.
#[derive(Clone, Debug)]
pub struct Form {
    /// What it is for.
    pub kind: Kind,
    fields: Vec<Field>,
    /// The field with the focus.
    pub focus: FieldId,
    /// What is wrong, by field, since the last submission or change.
    pub errors: Vec<(FieldId, String)>,
}

fn choice<S: ToString>(id: FieldId, options: impl IntoIterator<Item = S>, at: usize) -> Field {
    let options: Vec<String> = options.into_iter().map(|option| option.to_string()).collect();
    let at = at.min(options.len().saturating_sub(1));
    Field { id, content: Content::Choice { options, at, sought: String::new() } }
}

fn text(id: FieldId, value: impl ToString) -> Field {
    Field { id, content: Content::Text(Input::new(value.to_string())) }
}

fn optional<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

impl Form {
    fn new(kind: Kind, fields: Vec<Field>) -> Form {
        let focus = fields.first().map_or(FieldId::Name, |field| field.id);
        Form { kind, fields, focus, errors: Vec::new() }
    }

    /// The fields that matter for what is chosen, in order.
    #[must_use]
    pub fn visible(&self) -> Vec<&Field> {
        self.fields.iter().filter(|field| self.shows(field.id)).collect()
    }

    fn shows(&self, id: FieldId) -> bool {
        match self.kind {
            Kind::Load => load::shows(self, id),
            Kind::Create | Kind::Change { .. } => provisioned::shows(self, id),
            Kind::Submit => batch::shows(self, id),
            Kind::Fetch { .. } | Kind::Increase { .. } => true,
        }
    }

    /// A field's words: label, unit, and what may be said about it.
    #[must_use]
    pub fn words(&self, id: FieldId) -> (&'static str, &'static str, &'static str) {
        match self.kind {
            Kind::Load => load::words(self, id),
            Kind::Create | Kind::Change { .. } => provisioned::words(self, id),
            Kind::Submit | Kind::Fetch { .. } => batch::words(id),
            Kind::Increase { .. } => increase::words(id),
        }
    }

    fn field(&self, id: FieldId) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    fn focused(&mut self) -> Option<&mut Content> {
        let focus = self.focus;
        self.fields.iter_mut().find(|field| field.id == focus).map(|field| &mut field.content)
    }

    /// Which of its options a choice is at.
    #[must_use]
    pub fn chosen(&self, id: FieldId) -> usize {
        match self.field(id).map(|field| &field.content) {
            Some(Content::Choice { at, .. }) => *at,
            _ => 0,
        }
    }

    /// The option that a choice is at; empty where there is none.
    #[must_use]
    pub fn option(&self, id: FieldId) -> &str {
        match self.field(id).map(|field| &field.content) {
            Some(Content::Choice { options, at, .. }) => options.get(*at).map_or("", String::as_str),
            _ => "",
        }
    }

    /// What is typed in a field, without blanks around it.
    #[must_use]
    pub fn text(&self, id: FieldId) -> &str {
        match self.field(id).map(|field| &field.content) {
            Some(Content::Text(input)) => input.value().trim(),
            _ => "",
        }
    }

    /// Lets the field with the focus have a key. Returns whether it took it.
    pub fn type_key(&mut self, chord: Chord) -> bool {
        let taken = match self.focused() {
            Some(Content::Text(input)) => entry::type_key(input, chord),
            // What is typed on a long choice looks for an option; a short one is changed by its keys.
            Some(Content::Choice { options, at, sought }) if options.len() > SHORT => match chord.typed() {
                Some(c) => {
                    seek(options, at, sought, c);
                    true
                }
                None => false,
            },
            _ => false,
        };
        if taken {
            self.errors.clear();
            increase::follow(self);
        }
        taken
    }

    /// Lets the field with the focus have pasted text. Returns whether it took it.
    pub fn paste(&mut self, pasted: &str) -> bool {
        match self.focused() {
            Some(Content::Text(input)) => {
                entry::paste(input, pasted);
                increase::follow(self);
                true
            }
            _ => false,
        }
    }

    /// Whether the field with the focus is changed with Left and Right.
    #[must_use]
    pub fn focus_is_choice(&self) -> bool {
        matches!(self.field(self.focus).map(|field| &field.content), Some(Content::Choice { .. }))
    }

    /// Moves the focus over the visible fields, round at the ends.
    pub fn move_focus(&mut self, by: isize) {
        let ids: Vec<FieldId> = self.visible().iter().map(|field| field.id).collect();
        if ids.is_empty() {
            return;
        }
        let at = ids.iter().position(|id| *id == self.focus).unwrap_or(0);
        let count = ids.len() as isize;
        self.focus = ids[((at as isize + by).rem_euclid(count)) as usize];
        if let Some(Content::Choice { sought, .. }) = self.focused() {
            sought.clear();
        }
    }

    /// Changes the focused choice.
    pub fn turn(&mut self, up: bool) {
        if let Some(Content::Choice { options, at, sought }) = self.focused()
            && !options.is_empty()
        {
            *at = (*at + if up { 1 } else { options.len() - 1 }) % options.len();
            sought.clear();
        }
        // Each quota has a proposal of its own.
        if self.focus == FieldId::Quota {
            increase::propose(self);
        }
        self.errors.clear();
    }

    /// Takes what is wrong; the focus goes to the first of it. Returns whether all is right.
    fn judge(&mut self, mut errors: Vec<(FieldId, String)>) -> bool {
        errors.retain(|(id, _)| self.shows(*id));
        self.errors = errors;
        if let Some((id, _)) = self.errors.first() {
            self.focus = *id;
        }
        self.errors.is_empty()
    }

    fn names(&self, id: FieldId) -> impl Iterator<Item = &str> {
        self.text(id).split([',', ' ']).filter(|name| !name.is_empty())
    }

    /// A whole number within bounds.
    fn whole(&self, id: FieldId, low: u32, high: u32, errors: &mut Vec<(FieldId, String)>) -> u32 {
        match number(self.text(id)) {
            Ok(value) if value.fract() == 0.0 && (f64::from(low)..=f64::from(high)).contains(&value) => value as u32,
            Ok(_) => {
                errors.push((id, format!("a whole number from {low} to {high} is needed")));
                low
            }
            Err(why) => {
                errors.push((id, why));
                low
            }
        }
    }

    /// Tags: `key=value` pairs between commas.
    fn tags(&self, errors: &mut Vec<(FieldId, String)>) -> Vec<(String, String)> {
        let mut tags: Vec<(String, String)> = Vec::new();
        for pair in self.text(FieldId::Tags).split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() && !tags.iter().any(|(known, _)| known == key.trim()) => {
                    tags.push((key.trim().to_owned(), value.trim().to_owned()));
                }
                Some((key, _)) if !key.trim().is_empty() => {
                    errors.push((FieldId::Tags, format!("the tag `{}` is there twice", key.trim())));
                }
                _ => errors.push((FieldId::Tags, format!("`{pair}` is not KEY=VALUE"))),
            }
        }
        tags
    }
}

/// Choices of so many options are quicker changed than searched.
const SHORT: usize = 4;

/// Moves a choice to the next option that contains what was typed so far and `c`; if none does, to one that contains
/// `c` alone, else nowhere.
fn seek(options: &[String], at: &mut usize, sought: &mut String, c: char) {
    let mut longer = sought.clone();
    longer.extend(c.to_lowercase());
    let single: String = c.to_lowercase().collect();
    for text in [longer, single] {
        let order = (*at..options.len()).chain(0..*at);
        if let Some(found) = order.into_iter().find(|&i| options[i].to_lowercase().contains(&text)) {
            *at = found;
            *sought = text;
            return;
        }
    }
}

/// A name as Bedrock takes it: 1 to 63 letters and digits, with single marks between them.
fn name_of(form: &Form, marks: &[char], errors: &mut Vec<(FieldId, String)>) -> String {
    let name = form.text(FieldId::Name);
    let plain = |c: char| c.is_ascii_alphanumeric() || marks.contains(&c);
    let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let doubled = name.as_bytes().windows(2).any(|pair| pair.iter().all(|b| !b.is_ascii_alphanumeric()));
    if name.is_empty() {
        errors.push((FieldId::Name, "a name is needed".to_owned()));
    } else if name.len() > 63 || !name.chars().all(plain) || !starts || doubled {
        let marks: Vec<String> = marks.iter().map(|mark| format!("`{mark}`")).collect();
        errors.push((FieldId::Name, format!("1 to 63 letters and digits, with single {} between", marks.join(" or "))));
    }
    name.to_owned()
}

/// A Region that is chosen.
fn region_of(form: &Form, errors: &mut Vec<(FieldId, String)>) -> Region {
    let region = form.option(FieldId::Region);
    if region.is_empty() {
        errors.push((FieldId::Region, "no Region is in use".to_owned()));
    }
    region.into()
}

/// What is chosen from a list, or typed beside it.
fn listed_or(form: &Form, list: FieldId, other: FieldId) -> &str {
    if form.shows(other) { form.text(other) } else { form.option(list) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_on_a_long_choice_finds_an_option() {
        let options: Vec<String> = ["nova-lite", "nova-pro", "haiku", "sonnet", "llama"].map(str::to_owned).to_vec();
        let (mut at, mut sought) = (0, String::new());
        for (c, expected) in [('s', 3), ('o', 3), ('h', 2), ('A', 2), ('?', 2), ('n', 3), ('o', 0)] {
            seek(&options, &mut at, &mut sought, c);
            if c != 'o' || expected != 0 {
                assert_eq!(at, expected, "{c} -> {sought}");
            }
        }
        seek(&[], &mut at, &mut sought, 'x');
    }
}
