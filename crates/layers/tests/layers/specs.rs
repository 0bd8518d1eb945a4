//! A model made from its layers as data is the same model; however deep it is, describing it is quick.

use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Error, Float, Params, Rng, Scope};
use wane_layers::{CustomLayer, LayerNormOptions, LayerSpec, Linear, Module, RmsNormOptions, Sequential};

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

/// All options of the norms, so that none is left at its default.
fn norms() -> (Vec<LayerNormOptions>, Vec<RmsNormOptions>) {
    let both = [(true, true), (true, false), (false, true), (false, false)];
    let layer = both.map(|(elementwise_affine, bias)| LayerNormOptions { eps: 1e-3, elementwise_affine, bias });
    let rms = [(None, true), (Some(0.25), true), (None, false), (Some(0.0), false)];
    (layer.to_vec(), rms.map(|(eps, elementwise_affine)| RmsNormOptions { eps, elementwise_affine }).to_vec())
}

#[test]
fn norms_keep_their_options() {
    let (layer, rms) = norms();
    let builder = Sequential::new().linear(3, 4);
    let builder = layer.iter().fold(builder, |builder, &options| builder.layer_norm_with(4, options));
    let builder = rms.iter().fold(builder, |builder, &options| builder.rms_norm_with(4, options));
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::seed_from_u64(0));
    let model = builder.build(params.root(), &mut rng).unwrap();
    let specs = model.specs().unwrap();
    let read: Vec<LayerSpec> = serde_json::from_str(&serde_json::to_string(&specs).unwrap()).unwrap();
    assert_eq!(read, specs);
    let twin = Sequential::<f64>::new().specs(&read).build(Params::new().root(), &mut rng).unwrap();
    assert_eq!(twin.summary(), model.summary());
    assert!(twin.summary().contains("LayerNorm(eps=1e-3, elementwise_affine=false)"), "{}", twin.summary());
    assert!(twin.summary().contains("RmsNorm(eps=2.5e-1)"), "{}", twin.summary());
    assert_eq!(LayerSpec::count_all(&specs), Some(params.as_slice().len()));
}

#[test]
fn options_that_are_not_there_are_defaults_and_unknown_ones_are_refused() {
    let read = |text: &str| serde_json::from_str::<LayerSpec>(text);
    let options = LayerNormOptions { eps: 0.5, ..Default::default() };
    assert_eq!(
        read(r#"{"LayerNorm":{"width":3,"options":{"eps":0.5}}}"#).unwrap(),
        LayerSpec::LayerNorm { width: 3, options }
    );
    let options = RmsNormOptions::default();
    assert_eq!(read(r#"{"RmsNorm":{"width":3}}"#).unwrap(), LayerSpec::RmsNorm { width: 3, options });
    for unknown in [
        r#"{"LayerNorm":{"width":3,"options":{"axes":2}}}"#,
        r#"{"RmsNorm":{"width":3,"options":{"epsilon":1.0}}}"#,
        r#"{"Linear":{"inputs":3,"outputs":2,"bias":true,"groups":3}}"#,
    ] {
        let message = read(unknown).unwrap_err().to_string();
        assert!(message.contains("unknown field"), "{message}");
    }
}

/// A linear layer as one's own would be made: its widths as a text.
fn square<T: Float>(width: &str, scope: Scope<'_, T>, rng: &mut Rng) -> Result<Box<dyn Module<T>>, Error> {
    let width = width.parse().map_err(|_| Error::option("square", width, "a width"))?;
    Ok(Box::new(Linear::new(scope, width, width, rng)?))
}

#[test]
fn custom_layers_are_made_by_their_names() {
    let custom = CustomLayer { name: "square", make: square };
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
    let inner = || Sequential::new().custom(custom, "3");
    let builder = Sequential::new().custom(custom, "3").residual(inner()).parallel([inner(), inner()]);
    let model = builder.build(params.root(), &mut rng).unwrap();
    let specs = model.specs().unwrap();
    assert_eq!(LayerSpec::count_all(&specs), Some(0), "only their code knows");
    let read: Vec<LayerSpec> = serde_json::from_str(&serde_json::to_string(&specs).unwrap()).unwrap();
    let mut others = Params::<f32>::new();
    let customs = [CustomLayer { name: "other", make: square }, custom];
    let mut rng = Rng::seed_from_u64(0);
    let twin = Sequential::new().specs_with(&read, &customs).build(others.root(), &mut rng).unwrap();
    assert_eq!(others.as_slice(), params.as_slice());
    assert_eq!((twin.specs().unwrap(), twin.summary()), (specs.clone(), model.summary()));
    let names = |params: &Params<f32>| params.iter().map(|param| param.name.to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&others), names(&params));

    let mut others = Params::<f32>::new();
    let mut message = |specs: &[LayerSpec], customs: &[CustomLayer<f32>]| {
        let error = Sequential::new().specs_with(specs, customs).build(others.root(), &mut rng).unwrap_err();
        error.to_string()
    };
    assert_eq!(message(&specs, &[]), "layer 0: custom layer is \"square\"; expected one of the CustomLayers given: []");
    let expected = "layer 0: layer 0: custom layer is \"square\"; expected one of the CustomLayers given: [\"other\"]";
    assert_eq!(message(&specs[1..2], &customs[..1]), expected);
    let wide = LayerSpec::Custom { name: "square".to_owned(), options: "wide".to_owned() };
    assert_eq!(message(&[wide], &customs), "layer 0: square is wide; expected a width");
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
