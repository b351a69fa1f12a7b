//! The forms of provisioned throughput: what is to be bought, and what is to be changed.

use crate::catalogue::{Catalogue, base_id};
use crate::control::{Commitment, NewProvisioned, Order, ProvisionedView};
use crate::record::{ModelId, Region};

use super::super::provisioned::id_of;
use super::{FieldId, Form, Kind, choice, listed_or, name_of, region_of, text};

/// The commitments, in the order of [`COMMITMENTS`].
const TERMS: [Commitment; 3] = [Commitment::None, Commitment::OneMonth, Commitment::SixMonths];
/// The commitments, as the form names them.
const COMMITMENTS: [&str; 3] = ["none, by the hour", "1 month", "6 months"];
/// What stands for a model that the list does not have.
const ANOTHER: &str = "another, or a custom model";
/// Why the model of most provisioned throughput stays (facts §2.4).
const BASE_MODEL: &str = "the model of base-model throughput cannot be changed";
/// The most units that the form takes.
const MOST_UNITS: u32 = 1_000;

/// An empty form for one of the models in use, or one that repeats what there is: the way to other units.
#[must_use]
pub fn create(regions: &[Region], in_use: &[ModelId], like: Option<&ProvisionedView>) -> Form {
    let variants = Catalogue::embedded().provisioned();
    let models: Vec<&str> = variants.iter().map(|variant| variant.id.as_str()).collect();
    let used = |base: &str| in_use.iter().any(|model| base_id(model.as_str()) == base);
    let first = variants.iter().position(|variant| used(&variant.model)).unwrap_or(0);
    let model = like.map(|view| view.model.model_arn.as_str());
    let known = model.map(|arn| models.iter().position(|id| *id == arn || *id == id_of(arn)));
    let at = known.unwrap_or(Some(first)).unwrap_or(models.len());
    let other = if known == Some(None) { model.unwrap_or_default() } else { "" };
    let mut regions = regions.to_vec();
    if let Some(view) = like
        && !regions.contains(&view.model.region)
    {
        regions.push(view.model.region.clone());
    }
    let region = like.and_then(|view| regions.iter().position(|region| *region == view.model.region));
    let term = like.and_then(|view| TERMS.iter().position(|term| *term == view.model.commitment));
    let name = like.map(|view| format!("{}-2", view.model.name)).unwrap_or_default();
    let units = like.map_or(1, |view| view.model.units.saturating_add(1));
    let fields = vec![
        text(FieldId::Name, name),
        choice(FieldId::Region, regions, region.unwrap_or(0)),
        choice(FieldId::Model, models.into_iter().chain([ANOTHER]), at),
        text(FieldId::OtherModel, other),
        text(FieldId::Units, units),
        choice(FieldId::Commitment, COMMITMENTS, term.unwrap_or(0)),
        text(FieldId::Tags, ""),
    ];
    Form::new(Kind::Create, fields)
}

/// A form that renames, and for a custom model puts another one behind it.
#[must_use]
pub fn change(view: &ProvisionedView) -> Form {
    let model = &view.model;
    let custom = model.model_arn.contains(":custom-model/");
    let kind = Kind::Change {
        region: model.region.clone(),
        arn: model.arn.clone(),
        name: model.name.clone(),
        model: model.model_arn.clone(),
        fixed_model: (!custom).then_some(BASE_MODEL),
    };
    Form::new(kind, vec![text(FieldId::Name, &model.name), text(FieldId::OtherModel, &model.model_arn)])
}

pub(super) fn shows(form: &Form, id: FieldId) -> bool {
    match (&form.kind, id) {
        (Kind::Change { fixed_model, .. }, FieldId::OtherModel) => fixed_model.is_none(),
        (_, FieldId::OtherModel) => form.option(FieldId::Model) == ANOTHER,
        _ => true,
    }
}

pub(super) fn words(form: &Form, id: FieldId) -> (&'static str, &'static str, &'static str) {
    let changes = matches!(form.kind, Kind::Change { .. });
    match id {
        FieldId::Name => ("Name", "", "1 to 63 letters and digits, with single - or _ between"),
        FieldId::Region => ("Region", "", "Left and Right change it"),
        FieldId::Model => ("Model", "", "Left and Right, or type a part of its name"),
        FieldId::OtherModel if changes => ("Model", "", "its base model, or another custom model of the same base"),
        FieldId::OtherModel => ("Model id or ARN", "", "with its context variant, or the ARN of a custom model"),
        FieldId::Units => ("Units", "MU", "cannot be changed later"),
        FieldId::Commitment => ("Commitment", "", "cheaper, and binding: it cannot be deleted before its end"),
        FieldId::Tags => ("Tags", "", "KEY=VALUE, separated by commas; empty: none"),
        _ => ("", "", ""),
    }
}

/// What the form describes so far, right or not: for the words below it.
#[must_use]
pub fn so_far(form: &Form) -> NewProvisioned {
    read(form, &mut Vec::new())
}

/// What the form describes. What is wrong is kept in its `errors`.
pub fn check_create(form: &mut Form) -> Option<NewProvisioned> {
    let mut errors = Vec::new();
    let new = read(form, &mut errors);
    form.judge(errors).then_some(new)
}

fn read(form: &Form, errors: &mut Vec<(FieldId, String)>) -> NewProvisioned {
    let model = listed_or(form, FieldId::Model, FieldId::OtherModel);
    if form.shows(FieldId::OtherModel) {
        model_id(model, errors);
    }
    NewProvisioned {
        region: region_of(form, errors),
        name: name_of(form, &['-', '_'], errors),
        model: model.to_owned(),
        units: form.whole(FieldId::Units, 1, MOST_UNITS, errors),
        commitment: TERMS[form.chosen(FieldId::Commitment).min(TERMS.len() - 1)],
        tags: form.tags(errors),
    }
}

fn model_id(model: &str, errors: &mut Vec<(FieldId, String)>) {
    if model.is_empty() || model.contains(char::is_whitespace) {
        errors.push((FieldId::OtherModel, "a model id or an ARN is needed, without blanks".to_owned()));
    }
}

/// The change that the form describes.
pub fn check_change(form: &mut Form) -> Option<Order> {
    let Kind::Change { region, arn, name: before, model: model_before, .. } = form.kind.clone() else { return None };
    let mut errors = Vec::new();
    let name = name_of(form, &['-', '_'], &mut errors);
    let model = form.text(FieldId::OtherModel).to_owned();
    if form.shows(FieldId::OtherModel) {
        model_id(&model, &mut errors);
    }
    let model = (form.shows(FieldId::OtherModel) && model != model_before).then_some(model);
    let name = (name != before).then_some(name);
    if errors.is_empty() && name.is_none() && model.is_none() {
        errors.push((FieldId::Name, "nothing is changed yet".to_owned()));
    }
    form.judge(errors).then_some(Order::UpdateProvisioned { region, arn, name, model })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keys::Chord;
    use crate::console::ui::fixtures;

    fn set(form: &mut Form, id: FieldId, value: &str) {
        form.focus = id;
        form.type_key(Chord::ctrl('u'));
        form.paste(value);
    }

    #[test]
    fn a_form_like_another_describes_it_with_more_units() {
        let (snapshot, _) = fixtures::account();
        for view in &snapshot.provisioned {
            let new = check_create(&mut create(&["us-east-1".into()], &[], Some(view))).unwrap();
            assert_eq!(new.region, view.model.region);
            assert_eq!((new.units, new.commitment), (view.model.units + 1, view.model.commitment));
            assert_eq!(id_of(&new.model), id_of(&view.model.model_arn));
        }
    }

    #[test]
    fn every_wrong_field_is_named() {
        let mut form = create(&["us-east-1".into()], &[], None);
        for (name, right) in [
            ("", false),
            ("-a", false),
            ("a-", true),
            ("a--b", false),
            ("a b", false),
            ("ä", false),
            ("a", true),
            ("chat_prod-2", true),
        ] {
            set(&mut form, FieldId::Name, name);
            assert_eq!(check_create(&mut form).is_some(), right, "{name}");
        }
        set(&mut form, FieldId::Units, "1.5");
        set(&mut form, FieldId::Tags, "team=a, team=b, x");
        assert_eq!(check_create(&mut form), None);
        let wrong: Vec<FieldId> = form.errors.iter().map(|(id, _)| *id).collect();
        assert_eq!(wrong, [FieldId::Units, FieldId::Tags, FieldId::Tags]);
        assert_eq!(form.focus, FieldId::Units);
        let mut nowhere = create(&[], &[], None);
        set(&mut nowhere, FieldId::Name, "a");
        assert_eq!(check_create(&mut nowhere), None);
        assert_eq!(nowhere.focus, FieldId::Region);
    }

    #[test]
    fn only_what_is_changed_is_ordered_and_nothing_is_no_change() {
        let (snapshot, _) = fixtures::account();
        let mut form = change(&snapshot.provisioned[0]);
        assert_eq!(check_change(&mut form), None);
        set(&mut form, FieldId::Name, "other");
        let Some(Order::UpdateProvisioned { name, model, .. }) = check_change(&mut form) else { panic!() };
        assert_eq!((name.as_deref(), model), (Some("other"), None));
    }
}
