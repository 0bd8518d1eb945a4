//! What a running trial is going to be: parameters that were chosen together stand in system attributes before the
//! objective has asked for them, where Optuna's samplers put them too.

use crate::record::FIXED_PARAMS;
use crate::space::SearchSpace;
use crate::{Choice, Param, StudyView, TrialRecord};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use wane_autodiff::Error;

/// How many characters Optuna's databases take in one attribute.
const PIECE: usize = 2045;

/// The parameters of `space`, with the internal values that were chosen for them, in its order.
pub(super) fn params(space: SearchSpace, chosen: Vec<f64>) -> BTreeMap<String, Param> {
    let params = space.into_iter().zip(chosen);
    params.map(|((name, distribution), internal)| (name, Param { distribution, internal })).collect()
}

/// Keeps `params` with the trial, in pieces under `key:0`, `key:1`…; one that it has from the queue as it is there.
///
/// A choice that JSON does not have, infinity or NaN, keeps all of them from being shared.
pub(super) fn share(view: &StudyView<'_>, key: &str, params: &BTreeMap<String, Param>) -> Result<(), Error> {
    let fixed = view.trial.system_attrs.get(FIXED_PARAMS).and_then(Value::as_object);
    let mut object = Map::new();
    for (name, param) in params {
        let json = match fixed.and_then(|fixed| fixed.get(name)) {
            Some(json) => json.clone(),
            None => match param.value()?.to_json() {
                Ok(json) => json,
                Err(_) => return Ok(()),
            },
        };
        object.insert(name.clone(), json);
    }
    let text: Vec<char> = Value::Object(object).to_string().chars().collect();
    for (i, piece) in text.chunks(PIECE).enumerate() {
        view.set_system_attr(&format!("{key}:{i}"), piece.iter().collect::<String>().into())?;
    }
    Ok(())
}

/// The internal values of the parameters of `space`, in its order; none if the trial does not have, and is not going to
/// have, all of them.
pub(super) fn point(trial: &TrialRecord, space: &SearchSpace, key: Option<&str>) -> Option<Vec<f64>> {
    let shared = key.filter(|_| !trial.state.is_finished()).and_then(|key| read(trial, key));
    let value = |(name, distribution): (&String, &crate::Distribution)| match (trial.params.get(name), &shared) {
        (Some(param), _) => Some(param.internal),
        (None, Some(shared)) => distribution.internal(&Choice::from_json(shared.get(name)?)).ok(),
        (None, None) => None,
    };
    space.iter().map(value).collect()
}

/// None if there is nothing, or only part of it yet.
fn read(trial: &TrialRecord, key: &str) -> Option<Map<String, Value>> {
    let pieces = (0..).map_while(|i| trial.system_attrs.get(&format!("{key}:{i}"))?.as_str());
    serde_json::from_str(&pieces.collect::<String>()).ok()
}
