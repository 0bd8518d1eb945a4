//! A model made from its layers as data is the same model; however deep it is, describing it is quick.

use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Params, Rng};
use wane_layers::{LayerSpec, Linear, Module, Sequential};

#[test]
fn layers_go_through_json() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
    let empty = Sequential::<f32>::new;
    let builder = empty().linear(3, 4).elu().dropout(0.1).layer_norm(4).residual(empty().rms_norm(4).gelu());
    let builder = builder.parallel([empty(), empty().linear_without_bias(4, 2)]).linear(6, 1);
    let model = builder.build(params.root(), &mut rng).unwrap();
    let text = serde_json::to_string(&model.specs().unwrap()).unwrap();
    let specs: Vec<LayerSpec> = serde_json::from_str(&text).unwrap();
    let mut others = Params::<f32>::new();
    let twin = empty().specs(&specs).build(others.root(), &mut Rng::seed_from_u64(0)).unwrap();
    assert_eq!(others.as_slice(), params.as_slice());
    assert_eq!((twin.summary(), twin.specs().unwrap()), (model.summary(), specs));
    assert_eq!(LayerSpec::count_all(&twin.specs().unwrap()), Some(params.as_slice().len()));
}

#[test]
fn a_layer_of_code_has_no_spec() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
    let builder = Sequential::new().relu().layer(|scope, rng| Linear::new(scope, 2, 2, rng));
    let error = builder.build(params.root(), &mut rng).unwrap().specs().unwrap_err().to_string();
    assert!(error.starts_with("layer 1 is Linear; expected"), "{error}");
}

#[test]
fn describing_a_deep_model_is_quick() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
    let deep = (0..100).fold(Sequential::new().linear(2, 2), |f, _| Sequential::new().residual(f));
    let model = deep.build(params.root(), &mut rng).unwrap();
    assert_eq!(model.describe().count(), 6);
    assert_eq!(model.describe().widths, Some((2, 2)));
}
