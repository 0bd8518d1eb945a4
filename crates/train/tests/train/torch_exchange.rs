//! What PyTorch users keep in safetensors files (tests/data, written by scripts/torch_exchange.py) is read, or refused with
//! all that is wrong about it.

use crate::folder::Folder;
use std::path::{Path, PathBuf};
use wane_autodiff::ndarray::{Array1, Array2, ArrayView2, ShapeBuilder};
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Activation, Classes, Float, Params, Rng, Tape};
use wane_layers::{Embedding, LayerNormOptions, Linear, Module, RmsNormOptions, Sequential};
use wane_train::{OtherPrecision, load_safetensors, save_safetensors};

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(format!("{name}.safetensors"))
}

/// Parameters of these names and shapes.
fn zeros<T: Float>(entries: &[(&str, &[usize])]) -> Params<T> {
    let mut params = Params::new();
    for &(name, shape) in entries {
        params.root().add(name, &wane_autodiff::ndarray::ArrayD::zeros(shape)).unwrap();
    }
    params
}

fn load<T: Float>(name: &str, params: &mut Params<T>, precision: OtherPrecision) -> Result<(), String> {
    let path = data(name);
    load_safetensors(&path, params, precision).map_err(|error| error.to_string().replace(&format!("{path:?}: "), ""))
}

#[test]
fn an_embedding_norms_and_dropout_come_under_pytorchs_names() {
    let mut rng = Rng::seed_from_u64(0);
    let mut params = Params::<f32>::new();
    let table = Embedding::new(params.at("table"), 5, 3, &mut rng).unwrap();
    let net = Sequential::new()
        .linear(4 + 3, 8)
        .layer_norm_with(8, LayerNormOptions { eps: 0.1, bias: false, ..Default::default() })
        .silu()
        .dropout(0.5)
        .layer_norm_with(8, LayerNormOptions { elementwise_affine: false, ..Default::default() })
        .linear_without_bias(8, 8)
        .rms_norm_with(8, RmsNormOptions { eps: Some(0.5), ..Default::default() })
        .rms_norm_with(8, RmsNormOptions { elementwise_affine: false, ..Default::default() })
        .linear(8, 2)
        .build(params.at("net"), &mut rng)
        .unwrap();
    load("torch_blocks", &mut params, OtherPrecision::Refuse).unwrap();

    let mut io = zeros::<f32>(&[("x", &[10, 4]), ("y", &[10, 2])]);
    load("torch_blocks_data", &mut io, OtherPrecision::Refuse).unwrap();
    let array = |name: &str| -> ArrayView2<'_, f32> { io.get(io.id(name).unwrap()).into_dimensionality().unwrap() };
    let labels: Vec<usize> = (0..10).map(|row| row * 3 % 5).collect();
    let labels = Classes::new(&labels, 5).unwrap();
    let mut tape = Tape::new();
    let graph = tape.record(&params);
    let x = graph.concat(&[graph.input(&array("x")), table.lookup(graph, &labels)], 1);
    let y = net.forward(x).to_array();
    for (ours, theirs) in y.iter().zip(array("y")) {
        assert!((ours - theirs).abs() < 2e-6, "{ours} {theirs}");
    }
}

#[test]
fn a_layer_that_wane_has_not_is_named_with_all_its_parts() {
    let mut params = Params::<f32>::new();
    let builder = Sequential::new().linear(3, 4).layer_norm(4).relu().linear(4, 2);
    builder.build(params.root(), &mut Rng::seed_from_u64(0)).unwrap();
    let message = load("torch_batch_norm", &mut params, OtherPrecision::Refuse).unwrap_err();
    // In the order of the file, which is by size of the numbers and then by name.
    let expected = "list of entries is unexpected: 1.num_batches_tracked, 1.running_mean, 1.running_var; expected one for \
                    each parameter, of its shape, float32 (OtherPrecision::Convert takes float16, bfloat16, float32 and \
                    float64)";
    assert_eq!(message, expected);

    let mut params = Params::<f32>::new();
    let builder = Sequential::new().linear(3, 4).relu().linear(4, 3).linear(3, 1);
    builder.build(params.root(), &mut Rng::seed_from_u64(0)).unwrap();
    let message = load("torch_batch_norm", &mut params, OtherPrecision::Refuse).unwrap_err();
    let expected = "list of entries is missing: 2.weight, 2.bias; unexpected: 1.num_batches_tracked, 1.bias, \
                    1.running_mean, 1.running_var, 1.weight; misshapen: 3.weight (2, 4) for (1, 3), 3.bias (2,) for (1,);";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn tied_weights_come_under_any_of_their_names() {
    /// The side that has the weight; `save_model` kept the decoder's name.
    fn tied(owner: &str, other: &str) -> Params<f32> {
        let mut params = Params::new();
        let owned = Linear::new(params.at(owner), 3, 3, &mut Rng::seed_from_u64(0)).unwrap();
        let bias = params.at(other).add("bias", &Array1::zeros(3)).unwrap();
        Linear::tied(&params, owned.weight(), Some(bias)).unwrap();
        params
    }
    let get = |params: &Params<f32>, name: &str| params.get(params.id(name).unwrap()).to_owned();
    let (mut by_encoder, mut by_decoder) = (tied("encoder", "decoder"), tied("decoder", "encoder"));
    load("torch_tied", &mut by_encoder, OtherPrecision::Refuse).unwrap();
    load("torch_tied", &mut by_decoder, OtherPrecision::Refuse).unwrap();
    assert_eq!(get(&by_encoder, "encoder.weight"), get(&by_decoder, "decoder.weight"));

    // A model that ties nothing has the weight twice, as the file with both has it.
    let entries: [(&str, &[usize]); 4] =
        [("encoder.weight", &[3, 3]), ("encoder.bias", &[3]), ("decoder.weight", &[3, 3]), ("decoder.bias", &[3])];
    let (mut one, mut two) = (zeros::<f32>(&entries), zeros::<f32>(&entries));
    load("torch_tied", &mut one, OtherPrecision::Refuse).unwrap();
    load("torch_untied", &mut two, OtherPrecision::Refuse).unwrap();
    assert_eq!(one.as_slice(), two.as_slice());
    assert_eq!(get(&one, "decoder.bias"), get(&by_encoder, "decoder.bias"));
    assert_eq!(get(&one, "encoder.weight"), get(&by_encoder, "encoder.weight"));

    // One that ties does not ask for the second.
    let before = by_encoder.as_slice().to_vec();
    let message = load("torch_untied", &mut by_encoder, OtherPrecision::Refuse).unwrap_err();
    assert!(message.starts_with("list of entries is unexpected: decoder.weight; expected"), "{message}");
    assert_eq!(by_encoder.as_slice(), before);
}

#[test]
fn half_precision_is_read_exactly_when_asked_for() {
    let entries: [(&str, &[usize]); 2] = [("float16", &[200]), ("bfloat16", &[200])];
    let mut expected = zeros::<f32>(&entries);
    load("half_wide", &mut expected, OtherPrecision::Refuse).unwrap();
    assert!(expected.as_slice().iter().any(|x| x.is_nan()) && expected.as_slice().iter().any(|x| x.is_subnormal()));
    let (mut narrow, mut wide) = (zeros::<f32>(&entries), zeros::<f64>(&entries));
    load("half", &mut narrow, OtherPrecision::Convert).unwrap();
    load("half", &mut wide, OtherPrecision::Convert).unwrap();
    for ((&narrow, &wide), &expected) in narrow.as_slice().iter().zip(wide.as_slice()).zip(expected.as_slice()) {
        let is_same = narrow.to_bits() == expected.to_bits() && wide.to_bits() == f64::from(expected).to_bits();
        assert!(is_same || narrow.is_nan() && wide.is_nan() && expected.is_nan(), "{narrow} {wide} {expected}");
    }
    let message = load("half", &mut narrow, OtherPrecision::Refuse).unwrap_err();
    let expected = "list of entries is of another dtype: float16 F16, bfloat16 BF16; expected one for each parameter, of its \
                    shape, float32 (OtherPrecision::Convert takes float16, bfloat16, float32 and float64)";
    assert_eq!(message, expected);

    let mut params = Params::<f32>::new();
    let net = Sequential::new().linear(3, 4).activation(Activation::Relu).linear(4, 2);
    net.build(params.root(), &mut Rng::seed_from_u64(0)).unwrap();
    assert!(load("torch_half_net", &mut params, OtherPrecision::Refuse).unwrap_err().contains("0.weight F16"));
    load("torch_half_net", &mut params, OtherPrecision::Convert).unwrap();
    // Numbers of 11 bits.
    assert!(params.as_slice().iter().all(|&weight| weight != 0.0 && weight.to_bits() & 0x1fff == 0));
}

/// All there are, against a float32 of the same fraction whose exponent a product puts right.
#[test]
fn every_float16_is_read_exactly() {
    let folder = Folder::new();
    let path = folder.file("all.safetensors");
    let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    with_header(&path, r#"{"all":{"dtype":"F16","shape":[65536],"data_offsets":[0,131072]}}"#, &bytes);
    let mut params = zeros::<f64>(&[("all", &[1 << 16])]);
    load_safetensors(&path, &mut params, OtherPrecision::Convert).unwrap();
    for (bits, &read) in (0..=u16::MAX).zip(params.as_slice()) {
        let magnitude = f32::from_bits(u32::from(bits & 0x7fff) << 13) * 2_f32.powi(112);
        let magnitude = match bits & 0x7fff {
            0x7c00 => f32::INFINITY,
            0x7c01.. => f32::NAN,
            _ => magnitude,
        };
        let expected = f64::from(if bits >> 15 == 1 { -magnitude } else { magnitude });
        assert!(
            read.to_bits() == expected.to_bits() || read.is_nan() && expected.is_nan(),
            "{bits:x}: {read} {expected}"
        );
    }
}

fn with_header(path: &Path, header: &str, bytes: &[u8]) {
    std::fs::write(path, [&(header.len() as u64).to_le_bytes(), header.as_bytes(), bytes].concat()).unwrap();
}

#[test]
fn no_elements_are_a_tensor_too() {
    let folder = Folder::new();
    let path = folder.file("empty.safetensors");
    let mut params = zeros::<f32>(&[("none", &[0, 3]), ("a", &[2])]);
    save_safetensors(&path, &params).unwrap();
    load_safetensors(&path, &mut params, OtherPrecision::Refuse).unwrap();
    let mut others = zeros::<f32>(&[("none", &[3]), ("a", &[2])]);
    let message = load_safetensors(&path, &mut others, OtherPrecision::Refuse).unwrap_err().to_string();
    assert!(message.contains("list of entries is misshapen: none (0, 3) for (3,); expected"), "{message}");
    let mut others = zeros::<f32>(&[("a", &[2])]);
    let message = load_safetensors(&path, &mut others, OtherPrecision::Refuse).unwrap_err().to_string();
    assert!(message.contains("list of entries is unexpected: none; expected"), "{message}");
    // As many elements, in other ways.
    let entry = r#""dtype":"F32","data_offsets":[0,8],"shape""#;
    for (shape, shown) in
        [("[1,2]", "(1, 2)"), ("[2,1]", "(2, 1)"), ("[2,1,1,1,1,1,1,1,1]", "(2, 1, 1, 1, 1, 1, 1, 1, …)")]
    {
        with_header(&path, &format!(r#"{{"a":{{{entry}:{shape}}}}}"#), &[0; 8]);
        let message = load_safetensors(&path, &mut others, OtherPrecision::Refuse).unwrap_err().to_string();
        assert!(message.contains(&format!("list of entries is misshapen: a {shown} for (2,); expected")), "{message}");
    }
    with_header(&path, &format!(r#"{{"a":{{{entry}:[]}}}}"#), &[0; 8]);
    let message = load_safetensors(&path, &mut others, OtherPrecision::Refuse).unwrap_err().to_string();
    assert!(message.contains("invalid shape, data type, or offset"), "{message}");
}

#[test]
fn entries_lie_one_behind_the_other() {
    let folder = Folder::new();
    let path = folder.file("net.safetensors");
    let mut params = zeros::<f32>(&[("a", &[2]), ("b", &[2])]);
    let header = |a: &str, b: &str| {
        let entry =
            |name: &str, offsets: &str| format!(r#""{name}":{{"dtype":"F32","shape":[2],"data_offsets":{offsets}}}"#);
        format!("{{{},{}}}", entry("a", a), entry("b", b))
    };
    with_header(&path, &header("[8,16]", "[0,8]"), &[0; 16]);
    load_safetensors(&path, &mut params, OtherPrecision::Refuse).unwrap();
    for (a, b, len, expected) in [
        ("[0,8]", "[0,8]", 8, "header is undecodable (invalid offset for tensor"),
        ("[0,8]", "[4,12]", 12, "header is undecodable (invalid offset for tensor `b`"),
        ("[0,8]", "[12,20]", 20, "header is undecodable (invalid offset for tensor `b`"),
        ("[4,12]", "[12,20]", 20, "header is undecodable (invalid offset for tensor `a`"),
        ("[0,8]", "[16,8]", 16, "header is undecodable (invalid offset for tensor `b`"),
        ("[0,8]", "[8,16]", 15, "number of bytes behind the header is 15; expected 16, as the header says"),
        ("[0,8]", "[8,16]", 17, "number of bytes behind the header is 17; expected 16, as the header says"),
    ] {
        with_header(&path, &header(a, b), &vec![0; len]);
        let message = load_safetensors(&path, &mut params, OtherPrecision::Refuse).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    for (twice, expected) in [
        (header("[0,8]", "[8,16]").replace("\"b\"", "\"a\""), "a name stands twice"),
        (r#"{"__metadata__":{},"__metadata__":{}}"#.to_owned(), "__metadata__ stands twice"),
    ] {
        with_header(&path, &twice, &[0; 16]);
        let message = load_safetensors(&path, &mut params, OtherPrecision::Refuse).unwrap_err().to_string();
        assert!(message.contains(&format!("header is undecodable ({expected}")), "{message}");
    }
}

#[test]
fn columns_first_are_written_as_rows_first() {
    let folder = Folder::new();
    let path = folder.file("net.safetensors");
    let columns = Array2::from_shape_vec((2, 3).f(), vec![1.0_f32, 4.0, 2.0, 5.0, 3.0, 6.0]).unwrap();
    let mut params = Params::new();
    params.root().add("a", &columns).unwrap();
    save_safetensors(&path, &params).unwrap();
    let mut read = zeros::<f32>(&[("a", &[2, 3])]);
    load_safetensors(&path, &mut read, OtherPrecision::Refuse).unwrap();
    assert_eq!(read.as_slice(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}
