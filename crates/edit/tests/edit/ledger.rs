//! Several edits, one after the other, and their taking back.

use crate::common::{Problem, bits, config, largest, network, problems, refused, ridges, uniform};
use crate::folder::Folder;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use wane_autodiff::ndarray::{Array2, s};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Activation, Classes, Float, Params, Rng};
use wane_edit::{EditOptions, Editor, KeyStats, Ledger, Memories, Site, Wanted};
use wane_layers::Sequential;

/// The edits of a problem, one a group.
fn groups(problem: &Problem) -> Vec<Memories> {
    let part = |all: &Array2<f64>, at: usize| all.slice(s![at..=at, ..]).to_owned();
    let (keys, values) = (problem.memories.keys().to_owned(), problem.memories.values().to_owned());
    (0..problem.memories.len()).map(|at| Memories::new(part(&keys, at), part(&values, at)).unwrap()).collect()
}

fn file(ledger: &Ledger<'_, impl Float>) -> Vec<u8> {
    let folder = Folder::new();
    ledger.save(folder.file("ledger")).unwrap();
    std::fs::read(folder.file("ledger")).unwrap()
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn later_edits_keep_earlier_ones(problem in problems(), ridge in ridges(), bias in any::<bool>()) {
        let options = EditOptions { ridge, bias, ..Default::default() };
        let mut params = problem.params.clone();
        let mut ledger = problem.editor(options).ledger(&params).unwrap();
        for (at, group) in groups(&problem).into_iter().enumerate() {
            ledger.push(&mut params, group).unwrap();
            let after = problem.model.predict(&params, problem.memories.keys()).unwrap();
            let missed = &problem.memories.values() - &after;
            let most = 1.0 + ledger.total().unwrap().report().norm;
            prop_assert!(largest(&missed.slice(s![..=at, ..]).to_owned()) <= 1e-12 * most, "edit {at}: {missed}");
        }
        // All at once is the same.
        let at_once = problem.solve(options).unwrap();
        prop_assert_eq!(ledger.total().unwrap().delta_weight(), at_once.delta_weight());
        let mut again = problem.params.clone();
        at_once.apply(&mut again).unwrap();
        prop_assert_eq!(bits(&again), bits(&params));
    }

    /// Whatever was edited and taken back on the way, the weights are those of a new ledger with what is left.
    #[test]
    fn the_way_does_not_matter(problem in problems(), ridge in ridges(), bias in any::<bool>(), seed in any::<u64>()) {
        let options = EditOptions { ridge, bias, ..Default::default() };
        let (mut params, mut rng) = (problem.params.clone(), Rng::seed_from_u64(seed));
        let mut ledger = problem.editor(options).ledger(&params).unwrap();
        let mut spare = groups(&problem);
        for _ in 0..12 {
            let before = (bits(&params), ledger.groups().to_vec());
            if !spare.is_empty() && rng.random_bool(0.6) {
                ledger.push(&mut params, spare.pop().unwrap()).unwrap();
                prop_assert!(bits(&params) != before.0);
                // Taken back at once, and made again.
                let group = ledger.undo(&mut params).unwrap().unwrap();
                prop_assert_eq!((bits(&params), ledger.groups().to_vec()), before);
                ledger.push(&mut params, group).unwrap();
            } else if ledger.groups().is_empty() {
                prop_assert!(ledger.undo(&mut params).unwrap().is_none());
            } else {
                let at = rng.random_range(0..ledger.groups().len());
                let mut left = ledger.groups().to_vec();
                let gone = left.remove(at);
                spare.push(ledger.remove(&mut params, at).unwrap());
                prop_assert_eq!((spare.last(), ledger.groups()), (Some(&gone), &left[..]));
            }
            let mut fresh = problem.params.clone();
            let mut other = problem.editor(options).ledger(&fresh).unwrap();
            for group in ledger.groups() {
                other.push(&mut fresh, group.clone()).unwrap();
            }
            prop_assert_eq!(bits(&fresh), bits(&params));
        }
        ledger.clear(&mut params).unwrap();
        prop_assert!(ledger.total().is_none() && ledger.groups().is_empty());
        prop_assert_eq!(bits(&params), bits(&problem.params));
    }
}

/// A classifier, an editor of its middle layer, and rows to edit.
fn classifier<T: Float>() -> (Sequential<T>, Params<T>, Array2<T>) {
    network(4, Activation::Tanh, 2)
}

fn editor<'m, T: Float>(model: &'m Sequential<T>, params: &Params<T>, x: &Array2<T>, bias: bool) -> Editor<'m, T> {
    let site = Site::new(model, params, 2).unwrap();
    let stats = KeyStats::of(&site, params, x.view()).unwrap();
    Editor::new(site, params, stats, EditOptions { bias, ..Default::default() }).unwrap()
}

fn to_class(class: usize) -> Classes {
    Classes::new(&[class], 4).unwrap()
}

#[test]
fn models_are_edited_row_by_row() {
    let (model, mut params, x) = classifier::<f32>();
    let original = params.clone();
    let mut ledger = editor(&model, &params, &x, false).ledger(&params).unwrap();
    for row in 0..4 {
        let class = to_class(row);
        ledger.edit(&mut params, x.slice(s![row..=row, ..]), Wanted::Classes(&class)).unwrap();
        let output = model.predict(&params, x.view()).unwrap();
        for earlier in 0..=row {
            let odds: f32 = (0..4).map(|other| (output[(earlier, other)] - output[(earlier, earlier)]).exp()).sum();
            assert!(1.0 / odds > 0.949, "row {earlier} after {row}: {}", 1.0 / odds);
        }
    }
    // round(W₀ + UVᵀ), and nothing else is touched.
    let delta: Vec<f64> = ledger.total().unwrap().delta_weight().iter().copied().collect();
    let weight = params.id("2.weight").unwrap();
    let range = params.layout().entry(weight).unwrap().range();
    for (at, (&now, &before)) in params.as_slice().iter().zip(original.as_slice()).enumerate() {
        let change = if range.contains(&at) { delta[at - range.start] } else { 0.0 };
        assert_eq!(now.to_bits(), ((f64::from(before) + change) as f32).to_bits(), "number {at}");
    }
    ledger.clear(&mut params).unwrap();
    assert_eq!(bits(&params), bits(&original));
}

#[test]
fn ledgers_are_saved() {
    let (model, original, x) = classifier::<f32>();
    for bias in [false, true] {
        let (folder, mut params) = (Folder::new(), original.clone());
        let path = folder.file("ledger");
        let new_editor = || editor(&model, &original, &x, bias);
        let mut ledger = new_editor().ledger(&params).unwrap();
        for edits in 0..3 {
            ledger.save(&path).unwrap();
            for start in [&original, &params] {
                let mut there = start.clone();
                let mut loaded = Ledger::load(&path, new_editor(), &mut there).unwrap();
                assert_eq!((bits(&there), file(&loaded)), (bits(&params), file(&ledger)));
                assert_eq!(loaded.groups(), ledger.groups());
                loaded.clear(&mut there).unwrap();
                assert_eq!(bits(&there), bits(&original));
            }
            let class = to_class(edits);
            ledger.edit(&mut params, x.slice(s![edits..=edits, ..]), Wanted::Classes(&class)).unwrap();
        }
        // Another layer's or other weights' are refused.
        let mut other = params.clone();
        let at = other.layout().entry(other.id("2.bias").unwrap()).unwrap().range().start;
        other.as_mut_slice()[at] += 1.0;
        let message = refused(&mut other, |params| Ledger::load(&path, new_editor(), params));
        assert!(message.contains("checksum of \"2.weight\" and its bias"), "{message}");
        let site = Site::new(&model, &original, 4).unwrap();
        let stats = KeyStats::of(&site, &original, x.view()).unwrap();
        let editor = Editor::new(site, &original, stats, EditOptions::default()).unwrap();
        let message = refused(&mut params, |params| Ledger::load(&path, editor, params));
        assert!(
            message.ends_with("layer of the ledger is \"2.weight\", float32; expected \"4.weight\", float32"),
            "{message}"
        );
    }
}

#[test]
fn edits_are_adopted() {
    let (model, original, x) = classifier::<f64>();
    let edit = |params: &Params<f64>, row: usize| {
        editor(&model, params, &x, false).edit(params, x.slice(s![row..=row, ..]), Wanted::Classes(&to_class(row)))
    };
    let (first, second) = (edit(&original, 1).unwrap(), edit(&original, 2).unwrap());
    let mut params = original.clone();
    let mut ledger = editor(&model, &original, &x, false).ledger(&params).unwrap();
    ledger.adopt(&mut params, &first).unwrap();
    let mut applied = original.clone();
    first.apply(&mut applied).unwrap();
    assert_eq!(bits(&applied), bits(&params));
    ledger.adopt(&mut params, &second).unwrap();
    assert_eq!(ledger.groups(), [first.memories().clone(), second.memories().clone()]);
    // One that was made for the edited weights is not for the ledger's.
    let third = edit(&applied, 3).unwrap();
    let message = refused(&mut params, |params| ledger.adopt(params, &third).map(drop));
    assert!(message.contains("the edit was made for other weights"), "{message}");
}

#[test]
fn what_fails_changes_nothing() {
    let (model, mut params, x) = classifier::<f32>();
    let mut ledger = editor(&model, &params, &x, false).ledger(&params).unwrap();
    ledger.edit(&mut params, x.slice(s![..1, ..]), Wanted::Classes(&to_class(1))).unwrap();
    let before = file(&ledger);

    // The same key once more.
    let message = refused(&mut params, |params| {
        ledger.edit(params, x.slice(s![..1, ..]), Wanted::Classes(&to_class(2))).map(drop)
    });
    assert!(message.contains("key of edit 1 is a combination of the keys before it"), "{message}");
    let message = refused(&mut params, |params| ledger.remove(params, 1));
    assert_eq!(message, "group is 1; expected a number below 1");
    let beyond = Memories::new(Array2::ones((1, 8)), Array2::from_elem((1, 6), 1e300)).unwrap();
    let message = refused(&mut params, |params| ledger.push(params, beyond).map(drop));
    assert!(message.contains("of \"2.weight\" after the edit is") && message.contains("float32 can hold"), "{message}");
    let wide = Memories::new(Array2::ones((1, 7)), Array2::ones((1, 6))).unwrap();
    let message = refused(&mut params, |params| ledger.push(params, wide).map(drop));
    assert_eq!(message, "width of the keys is 7; expected 8, as the layer has");

    let ids = params.ids();
    params.freeze(&ids).unwrap();
    for message in [
        refused(&mut params, |params| ledger.undo(params).map(drop)),
        refused(&mut params, |params| {
            ledger.edit(params, x.slice(s![1..2, ..]), Wanted::Classes(&to_class(2))).map(drop)
        }),
    ] {
        assert_eq!(
            message,
            "\"2.weight\" is frozen; expected a parameter that may be changed: Params::unfreeze makes it one"
        );
    }
    params.unfreeze(&ids).unwrap();

    // Weights that were changed otherwise: the layer's for all, those before it for new edits.
    let weight = params.layout().entry(params.id("2.weight").unwrap()).unwrap().range().start;
    for (at, may_undo, expected) in
        [(weight, false, "as the ledger has written them"), (0, true, "other weights before")]
    {
        let mut changed = params.clone();
        changed.as_mut_slice()[at] += 0.5;
        let mut ledger = ledger.clone();
        let push = Memories::new(uniform((1, 8), &mut Rng::seed_from_u64(1)), Array2::ones((1, 6))).unwrap();
        for message in [
            refused(&mut changed, |params| ledger.push(params, push.clone()).map(drop)),
            refused(&mut changed, |params| {
                ledger.edit(params, x.slice(s![1..2, ..]), Wanted::Classes(&to_class(2))).map(drop)
            }),
        ] {
            assert!(message.contains(expected), "{message}");
        }
        assert_eq!(ledger.undo(&mut changed).is_ok(), may_undo);
    }
    assert_eq!(file(&ledger), before);
    ledger.undo(&mut params).unwrap();
}
