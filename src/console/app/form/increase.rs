//! The form that asks AWS for more of a quota of a route: the work and its deadline, growth, the use case, the value.
//!
//! What is needed and the text for AWS come from [`crate::report::draft_of`], as on the command line.

use crate::catalogue::Metric;
use crate::control::{ControlSnapshot, Order, QuotaCell};
use crate::engine::EngineSnapshot;
use crate::record::Region;
use crate::report::{Allowed, Asker, Demand, Draft, Workload, draft_of, metric_word, need, row_value};

use super::super::entry::{duration, number};
use super::super::usage::{self, UseRow};
use super::super::workload;
use super::{FieldId, Form, Kind, choice, optional, text};

/// The largest value that is taken: whole numbers are exact below it.
const MOST: f64 = 1e15;
/// The most growth that is taken, percent.
const MOST_GROWTH: f64 = 10_000.0;

/// What a request is drawn from: the workload as it was seen, the routes that bear it, the quotas that can be asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    /// The account, if known.
    pub account: Option<String>,
    /// Nothing of it is real.
    pub simulated: bool,
    /// The workload as it was seen.
    pub workload: Workload,
    /// Requests that our load has still to do.
    pub left: Option<u64>,
    /// The routes that bear it.
    pub routes: Vec<Allowed>,
    /// The quotas that can be asked for.
    pub cells: Vec<QuotaCell>,
    /// The value that was proposed last, as it stands in its field unless another one was typed.
    proposed: String,
}

/// The quotas of a route for which more can be asked, or why there are none.
///
/// # Errors
/// No quota with a code, none adjustable, or a request is open for each.
pub fn wanted<'a>(account: &'a ControlSnapshot, row: &UseRow<'_>) -> Result<Vec<&'a QuotaCell>, String> {
    let coded: Vec<&QuotaCell> = usage::cells(account, row).into_iter().filter(|cell| cell.code.is_some()).collect();
    if coded.is_empty() {
        return Err("no quota of this route has a code in Service Quotas".to_owned());
    }
    let adjustable: Vec<&QuotaCell> = coded.into_iter().filter(|cell| cell.adjustable != Some(false)).collect();
    if adjustable.is_empty() {
        return Err("no quota of this route is adjustable: AWS raises it by a support case only".to_owned());
    }
    let open = |cell: &QuotaCell| {
        let asked = |code: &str| cell.code.as_deref() == Some(code);
        account.increases.iter().any(|one| one.region == cell.region && asked(&one.code) && one.state.is_open())
    };
    let free: Vec<&QuotaCell> = adjustable.into_iter().filter(|cell| !open(cell)).collect();
    if free.is_empty() {
        return Err("a request is open already: AWS takes another one once it is decided".to_owned());
    }
    Ok(free)
}

/// The form for a route; `None` where nothing can be asked for.
#[must_use]
pub fn increase(account: &ControlSnapshot, engine: &EngineSnapshot, row: &UseRow<'_>) -> Option<Form> {
    let cells: Vec<QuotaCell> = wanted(account, row).ok()?.into_iter().cloned().collect();
    let names: Vec<String> = cells
        .iter()
        .map(|cell| format!("{} {}", metric_word(cell.metric), cell.code.as_deref().unwrap_or_default()))
        .collect();
    let left = workload::left(engine).filter(|_| row.scope.is_some());
    let basis = Basis {
        account: engine.target.account.clone(),
        simulated: engine.target.simulated,
        workload: workload::at_route(engine, row),
        left,
        routes: workload::routes(account, engine, row),
        cells,
        proposed: String::new(),
    };
    // The quota that binds comes first; the service's order says nothing.
    let shortest = need(&basis.workload, &basis.routes).binding().map(|binding| binding.metric);
    let at = basis.cells.iter().position(|cell| Some(cell.metric) == shortest.or(Some(Metric::Tpm))).unwrap_or(0);
    let fields = vec![
        choice(FieldId::Quota, names, at),
        text(FieldId::Requests, optional(left)),
        text(FieldId::Deadline, ""),
        text(FieldId::Growth, ""),
        text(FieldId::UseCase, ""),
        text(FieldId::Value, ""),
    ];
    let mut form = Form::new(Kind::Increase { region: row.limits.key.region.clone(), basis: Box::new(basis) }, fields);
    propose(&mut form);
    Some(form)
}

/// The quota that is chosen.
#[must_use]
pub fn chosen(form: &Form) -> Option<&QuotaCell> {
    let Kind::Increase { basis, .. } = &form.kind else { return None };
    basis.cells.get(form.chosen(FieldId::Quota))
}

/// The workload with what is filled in so far; what cannot be read is as if it were not said.
fn workload_of(form: &Form, basis: &Basis) -> Workload {
    let mut workload = basis.workload.clone();
    let work = number(form.text(FieldId::Requests)).ok().zip(duration(form.text(FieldId::Deadline)).ok());
    if let Some((requests, seconds)) = work.filter(|(requests, _)| *requests >= 1.0) {
        workload.demand = Some(Demand::Work { requests: requests as u64, seconds });
    }
    workload.growth_percent = number(form.text(FieldId::Growth)).unwrap_or(0.0).clamp(0.0, MOST_GROWTH);
    workload.use_case = Some(form.text(FieldId::UseCase).to_owned()).filter(|words| !words.is_empty());
    workload
}

fn drafted(form: &Form, by_hand: Option<u64>) -> Option<Draft> {
    let Kind::Increase { basis, .. } = &form.kind else { return None };
    let need = need(&workload_of(form, basis), &basis.routes);
    let asker = Asker { account: basis.account.as_deref(), simulated: basis.simulated };
    Some(draft_of(&need, &basis.routes, chosen(form)?, by_hand, asker))
}

/// What the workload needs of the chosen quota, whatever value is typed.
#[must_use]
pub fn proposal(form: &Form) -> Option<Draft> {
    drafted(form, None)
}

/// What is asked for as it stands: with the value that is typed.
#[must_use]
pub fn draft(form: &Form) -> Option<Draft> {
    let typed = number(form.text(FieldId::Value)).ok().filter(|value| (1.0..=MOST).contains(value));
    drafted(form, typed.map(|value| value as u64))
}

/// The quota that binds, in words, if it is not the one that is chosen.
#[must_use]
pub fn binding(form: &Form) -> Option<String> {
    let Kind::Increase { basis, .. } = &form.kind else { return None };
    let need = need(&workload_of(form, basis), &basis.routes);
    let binding = need.binding()?;
    let other = binding.metric != chosen(form)?.metric;
    other.then(|| {
        let times = binding.times().unwrap_or_default();
        format!("{} binds, not this one: {times:.2} times what there is is needed.", metric_word(binding.metric))
    })
}

/// Something else was filled in: the value follows, unless another one was typed.
pub(super) fn follow(form: &mut Form) {
    let Kind::Increase { basis, .. } = &form.kind else { return };
    if form.focus != FieldId::Value && form.text(FieldId::Value) == basis.proposed {
        propose(form);
    }
}

/// Puts the value that is needed into its field; nothing where nothing can be said.
pub(super) fn propose(form: &mut Form) {
    let value = proposal(form).and_then(|draft| draft.verdict.value()).map(|value| value as u64);
    let Kind::Increase { basis, .. } = &mut form.kind else { return };
    basis.proposed = optional(value);
    let proposed = basis.proposed.clone();
    if let Some(field) = form.fields.iter_mut().find(|field| field.id == FieldId::Value) {
        *field = text(FieldId::Value, proposed);
    }
}

pub(super) const fn words(id: FieldId) -> (&'static str, &'static str, &'static str) {
    match id {
        FieldId::Quota => ("Quota", "", "Left and Right change it"),
        FieldId::Requests => ("Work", "requests", "to be done until the deadline"),
        FieldId::Deadline => {
            ("Deadline", "", "45m, 6h, 2d from now; empty: the rate asked for, or what was seen, counts")
        }
        FieldId::Growth => ("Growth", "%", "expected growth of the work; empty: none"),
        FieldId::UseCase => ("Use case", "", "what it is for, in a sentence: AWS asks"),
        FieldId::Value => ("Value asked for", "", "in the unit of its row in Service Quotas"),
        _ => ("", "", ""),
    }
}

/// What the form asks for. What is wrong is kept in its `errors`.
pub fn check(form: &mut Form) -> Option<Order> {
    let Kind::Increase { region, .. } = &form.kind else { return None };
    let (region, quota): (Region, QuotaCell) = (region.clone(), chosen(form)?.clone());
    let code = quota.code.clone()?;
    let mut errors = Vec::new();
    let said = |id| !form.text(id).is_empty();
    if said(FieldId::Requests) {
        match number(form.text(FieldId::Requests)) {
            Ok(value) if value.fract() == 0.0 && (1.0..=1e12).contains(&value) => {}
            Ok(_) => errors.push((FieldId::Requests, "a whole number above 0 is needed".to_owned())),
            Err(why) => errors.push((FieldId::Requests, why)),
        }
    } else if said(FieldId::Deadline) {
        errors.push((FieldId::Requests, "how many requests must be done by then?".to_owned()));
    }
    if said(FieldId::Deadline)
        && let Err(why) = duration(form.text(FieldId::Deadline))
    {
        errors.push((FieldId::Deadline, why));
    }
    if said(FieldId::Growth) {
        match number(form.text(FieldId::Growth)) {
            Ok(value) if (0.0..=MOST_GROWTH).contains(&value) => {}
            Ok(_) => errors.push((FieldId::Growth, "0 to 10000 percent is allowed".to_owned())),
            Err(why) => errors.push((FieldId::Growth, why)),
        }
    }
    // Tokens of a day do not fit in the numbers that other forms take.
    let value = match number(form.text(FieldId::Value)) {
        Ok(value) if value.fract() == 0.0 && (1.0..=MOST).contains(&value) => Some(value),
        Ok(_) => {
            errors.push((FieldId::Value, "a whole number above 0 is needed".to_owned()));
            None
        }
        Err(_) if !said(FieldId::Value) => {
            errors.push((FieldId::Value, "nothing is proposed: say what is needed".to_owned()));
            None
        }
        Err(why) => {
            errors.push((FieldId::Value, why));
            None
        }
    };
    if let (Some(applied), Some(value)) = (row_value(&quota), value)
        && value <= applied as f64
    {
        errors.push((FieldId::Value, format!("more than the applied {} is needed", crate::report::count(applied))));
    }
    form.judge(errors).then_some(Order::RequestQuota { region, code, value: value? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::app::usage::{Sort, rows};
    use crate::console::ui::fixtures;
    use crate::report::Verdict;

    fn form(filter: &str) -> Form {
        let (account, _) = fixtures::used_account();
        let engine = fixtures::running();
        let rows = rows(&account, &engine, filter, Sort::Model);
        increase(&account, &engine, &rows[0]).unwrap()
    }

    fn type_in(form: &mut Form, id: FieldId, words: &str) {
        form.focus = id;
        form.type_key(crate::console::keys::Chord::ctrl('u'));
        form.paste(words);
    }

    #[test]
    fn the_value_follows_the_work_its_deadline_and_growth_until_another_is_typed() {
        let mut form = form("us-east-1 haiku");
        let before = proposal(&form).unwrap();
        type_in(&mut form, FieldId::Requests, "100k");
        type_in(&mut form, FieldId::Deadline, "1h");
        let after = proposal(&form).unwrap();
        assert!(after.verdict.value() > before.verdict.value(), "{before:?} {after:?}");
        assert_eq!(form.text(FieldId::Value), (after.verdict.value().unwrap() as u64).to_string());
        type_in(&mut form, FieldId::Growth, "50");
        let grown = form.text(FieldId::Value).to_owned();
        assert!(grown.parse::<f64>().unwrap() > after.verdict.value().unwrap());
        type_in(&mut form, FieldId::Value, "7000000");
        type_in(&mut form, FieldId::Growth, "80");
        assert_eq!(form.text(FieldId::Value), "7000000", "what was typed stays");
        assert!(draft(&form).unwrap().text.unwrap().contains("Requested value: 7,000,000"));
    }

    #[test]
    fn the_figures_are_what_was_seen() {
        let form = form("us-east-1 haiku");
        let Kind::Increase { basis, .. } = &form.kind else { panic!() };
        let engine = fixtures::running();
        let (account, _) = fixtures::used_account();
        let rows = rows(&account, &engine, "us-east-1 haiku", Sort::Model);
        let ours = engine.minutes_over(rows[0].route());
        let calls: u64 = ours.iter().map(|minute| minute.invocations).sum();
        let input: u64 = ours.iter().map(|minute| minute.input).sum();
        assert_eq!(basis.workload.input.unwrap().value, input as f64 / calls as f64);
        let seen = basis.workload.seen.unwrap();
        assert_eq!(seen.peak_tpm as u64, rows[0].account.unwrap().peak_tpm().unwrap());
        assert_eq!(basis.workload.demand, Some(Demand::Rate { rpm: 240.0 }), "4.0 a second");
        assert_eq!((basis.left, basis.routes.len()), (Some(4_000 - 1_936 - 3), 2));
    }

    #[test]
    fn the_quota_that_binds_is_chosen_and_another_one_says_so() {
        let mut form = form("us-east-1 haiku");
        // 240 RPM are a part of 2,000; the tokens are 3.2 times what there is.
        assert_eq!((chosen(&form).unwrap().metric, binding(&form)), (Metric::Tpm, None));
        form.focus = FieldId::Quota;
        form.turn(true);
        assert_eq!(chosen(&form).unwrap().metric, Metric::Rpm);
        assert!(binding(&form).unwrap().starts_with("TPM binds"), "{:?}", binding(&form));
    }

    #[test]
    fn where_nothing_is_known_nothing_is_proposed() {
        // Nobody was seen there, and our load does not go there.
        let mut form = form("nova");
        let draft = proposal(&form).unwrap();
        assert_eq!(draft.verdict, Verdict::Unknown);
        assert_eq!(form.text(FieldId::Value), "");
        assert!(check(&mut form).is_none());
        assert!(form.errors[0].1.contains("nothing is proposed"), "{:?}", form.errors);
        type_in(&mut form, FieldId::Value, "900000");
        assert!(check(&mut form).is_some(), "what the operator asks for by hand is taken: {:?}", form.errors);
    }

    #[test]
    fn what_is_wrong_is_said_at_its_field() {
        let mut form = form("us-east-1 haiku");
        for (id, words) in
            [(FieldId::Requests, "some"), (FieldId::Deadline, "soon"), (FieldId::Growth, "-3"), (FieldId::Value, "12")]
        {
            let before = form.text(id).to_owned();
            type_in(&mut form, id, words);
            assert!(check(&mut form).is_none());
            assert!(form.errors.iter().any(|(wrong, _)| *wrong == id), "{id:?}: {:?}", form.errors);
            type_in(&mut form, id, &before);
        }
    }
}
