//! The gates: what may pass at once, what is asked first, what is refused.
//!
//! [`Confirmed`] has no public constructor. An order to the engine or to the account exists as an effect only if it
//! passed its gate ([`gate`], [`control_gate`]) as harmless, or if the operator pressed the button of its [`Dialog`].

mod batch;
mod control;
mod engine;
mod increase;
mod provisioned;
mod publishing;

use tui_input::Input;

use crate::console::keys::Chord;
use crate::control::ControlCommand;
use crate::engine::{Command, EngineSnapshot};
use crate::record::Usd;

use super::entry;
use super::price;

pub use control::{Account, control_gate};
pub use engine::{Agreement, Circumstance, describe, gate, knob, rate};
pub(in crate::console) use provisioned::{capacity_words, unit_quota};

/// Proof that an order may be given: nobody but this room can make one.
#[derive(Debug, PartialEq)]
pub struct Confirmed<T>(T);

impl<T> Confirmed<T> {
    /// What was confirmed.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.0
    }

    /// What was confirmed, by value.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A gate's answer.
#[derive(Debug)]
pub enum Gate<T> {
    /// Nothing to ask.
    Go(Confirmed<T>),
    /// Ask first.
    Ask(Box<Dialog>),
    /// Not offered here: one line that says why.
    Refuse(String),
}

/// Why a read-only account gets no question.
const READ_ONLY: &str = "READ-ONLY: nothing that may cost more is offered";

/// Where the focus of a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// Leave everything as it is. Focused first.
    Cancel,
    /// What has to be typed.
    Field,
    /// Do it.
    Accept,
}

/// What has to be typed before a question can be answered with yes.
#[derive(Clone, Debug)]
pub struct Typed {
    /// Exactly this.
    pub wanted: String,
    /// What is there so far.
    pub input: Input,
}

/// What is asked about.
#[derive(Debug)]
enum Asked {
    /// An order to the engine, and the agreement if the answer is yes.
    Engine { command: Command, agreement: Agreement },
    /// An order to the account.
    Control(ControlCommand),
}

/// A yes.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// To an order to the engine, with what is agreed to from now on.
    Engine(Confirmed<Command>, Agreement),
    /// To an order to the account.
    Control(Confirmed<ControlCommand>),
}

/// A question that must be answered before an order is given.
#[derive(Debug)]
pub struct Dialog {
    /// What is asked, a few words.
    pub title: String,
    /// The facts: name and value.
    pub facts: Vec<(&'static str, Fact)>,
    /// What cannot be undone, one or two sentences.
    pub warning: String,
    /// The words on the button that does it.
    pub accept: &'static str,
    /// Where the focus is.
    pub focus: Button,
    /// What has to be typed first.
    pub typed: Option<Typed>,
    /// Why it cannot be accepted, whatever is typed.
    pub blocked: Option<String>,
    asked: Asked,
}

/// A fact of a dialog; the screen decides how an amount is printed.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// As it stands.
    Text(String),
    /// As it stands, and not to be overlooked.
    Alarm(String),
    /// An amount of money, after the words.
    Money(&'static str, Usd, &'static str),
    /// Money per hour and, if it is known, in all.
    Cost(price::Estimate),
    /// From an amount to another; `None` is "no cap".
    Cap(Option<Usd>, Option<Usd>),
}

impl Dialog {
    fn new(
        title: String,
        facts: Vec<(&'static str, Fact)>,
        warning: String,
        accept: &'static str,
        asked: Asked,
    ) -> Dialog {
        Dialog { title, facts, warning, accept, focus: Button::Cancel, typed: None, blocked: None, asked }
    }

    fn type_first(mut self, wanted: String) -> Dialog {
        self.typed = Some(Typed { wanted, input: Input::default() });
        self
    }

    /// The question with the focus moved on, or back.
    pub fn switch(&mut self, back: bool) {
        let field = self.typed.is_some();
        self.focus = match (self.focus, back, field) {
            (Button::Cancel, false, true) | (Button::Accept, true, true) => Button::Field,
            (Button::Cancel, ..) | (Button::Field, false, _) => Button::Accept,
            (Button::Accept, ..) | (Button::Field, true, _) => Button::Cancel,
        };
    }

    /// Lets the field have a key: what is typed goes there wherever the focus is. Returns whether it took it.
    pub fn type_key(&mut self, chord: Chord) -> bool {
        let Some(typed) = &mut self.typed else { return false };
        let taken =
            (self.focus == Button::Field || chord.typed().is_some()) && entry::type_key(&mut typed.input, chord);
        if taken {
            self.focus = Button::Field;
        }
        taken
    }

    /// Lets the field have pasted text. Returns whether there is a field.
    pub fn paste(&mut self, text: &str) -> bool {
        let Some(typed) = &mut self.typed else { return false };
        entry::paste(&mut typed.input, text);
        self.focus = Button::Field;
        true
    }

    /// Why it cannot be accepted as it stands: one line.
    #[must_use]
    pub fn why_not(&self) -> Option<String> {
        if let Some(why) = &self.blocked {
            return Some(why.clone());
        }
        let typed = self.typed.as_ref()?;
        (typed.input.value().trim() != typed.wanted).then(|| format!("type `{}` first", typed.wanted))
    }

    /// The answer: the order if the focus is on the button that does it, else nothing.
    ///
    /// # Errors
    /// It cannot be accepted as it stands, or the account has turned out to be read-only while the question stood.
    pub fn answer(self, now: &EngineSnapshot) -> Result<Option<Answer>, String> {
        if self.focus != Button::Accept {
            return Ok(None);
        }
        if now.target.read_only {
            return Err(READ_ONLY.to_owned());
        }
        if let Some(why) = self.why_not() {
            return Err(why);
        }
        Ok(Some(match self.asked {
            Asked::Engine { command, agreement } => Answer::Engine(Confirmed(command), agreement),
            Asked::Control(command) => Answer::Control(Confirmed(command)),
        }))
    }
}

/// Whose account it is.
fn account(snapshot: &EngineSnapshot) -> Vec<(&'static str, Fact)> {
    let target = &snapshot.target;
    let account = match (&target.account_label, &target.account) {
        (Some(label), Some(id)) => format!("{label} ({id})"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => "not known yet".to_owned(),
    };
    let account = if target.simulated { format!("{account}, simulated") } else { account };
    let mut facts = vec![("Account", Fact::Text(account))];
    if let Some(profile) = &target.profile {
        facts.push(("Profile", Fact::Text(profile.clone())));
    }
    facts
}
