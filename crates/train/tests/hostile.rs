//! What a file that is refused takes of memory: no more than it is long, and 1 MiB, which is for what a header or a list of
//! layers may take that is short enough to be read.

mod counting;
mod folder;

use counting::peak;
use folder::Folder;
use serde::Serialize;
use std::path::Path;
use wane_autodiff::rand::SeedableRng;
use wane_autodiff::{Error, Params, Rng};
use wane_layers::Sequential;
use wane_optim::{AdamOptions, Optimizer};
use wane_train::{OtherPrecision, file, load_model, load_optimizer_safetensors, load_safetensors};

const A_LITTLE: usize = 1 << 20;

/// The message of what `load` refuses, with so many bytes beside the file's.
#[track_caller]
fn refused<R>(path: &Path, name: &str, beside: usize, load: impl FnOnce() -> Result<R, Error>) -> String {
    let length = std::fs::metadata(path).unwrap().len() as usize;
    let (result, held) = peak(|| load().map(drop));
    let message = result.expect_err(name).to_string();
    assert!(held <= length + beside, "{name}: held {held} of {length} bytes");
    message
}

/// As many of `part`, whose `@` becomes a number, as fit into `room` bytes.
fn filled(room: usize, part: &str) -> String {
    let (mut text, mut number) = (String::new(), 0);
    loop {
        let part = part.replace('@', &number.to_string());
        if text.len() + part.len() > room {
            return text;
        }
        text += &part;
        number += 1;
    }
}

fn model() -> Params<f32> {
    let mut params = Params::new();
    Sequential::new().linear(3, 2).build(params.root(), &mut Rng::seed_from_u64(0)).unwrap();
    params
}

fn with_header(path: &Path, header: &str) {
    std::fs::write(path, [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat()).unwrap();
}

#[test]
fn headers_take_little() {
    let folder = Folder::new();
    let path = folder.file("net.safetensors");
    let mut params = model();
    let mut optimizer = Optimizer::new(AdamOptions::default()).unwrap().decay_matrices_only(&params).unwrap();
    let entry = r#""dtype":"U8","shape":[0],"data_offsets":[0,0]"#;
    let of_parameters = 2 * 256 + 6 * ("0.weight".len() + "0.bias".len());
    let (longest, longest_state) = ((1 << 16) + of_parameters, (1 << 16) + 8 * of_parameters);
    for room in [longest - 100, longest_state - 200, longest_state, 4 << 20] {
        let entries = filled(room, &format!("\"@\":{{{entry}}},"));
        let wrong = |text: &str| format!(r#"{{"a":{{"shape":"{text}"}}}}"#);
        for (name, header) in [
            ("entries", format!("{{{entries}")),
            ("whole entries", format!(r#"{{{entries}"a":{{{entry}}}}}"#)),
            ("shape", format!(r#"{{"a":{{"dtype":"U8","data_offsets":[0,0],"shape":[{}0]}}}}"#, "0,".repeat(room / 2))),
            ("shapes", format!("{{{}", filled(room, r#""@":{"dtype":"U8","shape":[0,0,0,0],"data_offsets":[0,0]},"#))),
            ("metadata", format!(r#"{{"__metadata__":{{{}"a":""}}}}"#, filled(room, "\"@\":\"\","))),
            ("name", format!(r#"{{"{}":{{{entry}}}}}"#, "a".repeat(room))),
            ("escaped name", format!(r#"{{"{}":{{{entry}}}}}"#, r"\n".repeat(room / 2))),
            ("dtype", format!(r#"{{"a":{{"dtype":"{}","shape":[0],"data_offsets":[0,0]}}}}"#, "F".repeat(room))),
            ("text", wrong(&"F".repeat(room))),
            ("escaped text", wrong(&r"\n".repeat(room / 2))),
            ("number", format!(r#"{{"a":{{"data_offsets":[{}]}}}}"#, "1".repeat(room))),
            ("depth", "{\"a\":".repeat(room / 5)),
        ] {
            with_header(&path, &header);
            let load = || load_safetensors(&path, &mut params, OtherPrecision::Convert);
            let message = refused(&path, name, A_LITTLE, load);
            let expected = format!("expected {longest} at most, for the parameters that it is read for");
            assert_eq!(message.contains(&expected), header.len() > longest, "{name}: {message}");
            let load = || load_optimizer_safetensors(&path, &mut optimizer, &params, OtherPrecision::Convert);
            let message = refused(&path, name, A_LITTLE, load);
            assert_eq!(message.contains("at most, for"), header.len() > longest_state, "{name}: {message}");
        }
        let group = r#"{\"params\":[\"\"],\"initial_lr\":0,\"decay\":\"Coupled\",\"reference\":null,\"options\":{}},"#;
        for (name, groups) in [
            ("names", format!(r#"{{\"params\":[{}"#, r#"\"\","#.repeat(room / 5))),
            ("reference", format!(r#"{{\"reference\":[{}"#, "0,".repeat(room / 2))),
            ("groups", group.repeat(room / group.len())),
        ] {
            let described = format!(r#"{{\"rule\":\"Adam\",\"time\":0,\"groups\":[{groups}"#);
            let header = format!(r#"{{"__metadata__":{{"wane_optimizer":"{described}"}}}}"#);
            with_header(&path, &header);
            let load = || load_optimizer_safetensors(&path, &mut optimizer, &params, OtherPrecision::Convert);
            let message = refused(&path, name, A_LITTLE, load);
            let is_read = header.len() <= longest_state;
            assert_eq!(message.contains("wane_optimizer is undecodable"), is_read, "{name}: {message}");
        }
    }
}

#[derive(Serialize)]
enum Weights {
    Float32(Vec<f32>),
}

type Scaler = Option<(Vec<f64>, Vec<f64>)>;

/// A file of the parts of a model.
fn write(path: &Path, layers: &str, weights: usize, scalers: (Scaler, Scaler), names: (&str, &str)) {
    let weights = Weights::Float32(vec![1.0; weights]);
    file::write(path, "model", &(layers, weights, scalers.0, scalers.1, names.0, names.1)).unwrap();
}

#[test]
fn layers_take_little() {
    let folder = Folder::new();
    let path = folder.file("net.model");
    let bad = r#"{"Dropout":{"p":2}}"#;
    let list = |room: usize, part: &str| format!("[{}{bad}]", filled(room, part));
    let nested = |part: &str| r#"{"Residual":["#.repeat(50) + part + &"]}".repeat(50) + ",";
    let (norm, linear) = (r#"{"RmsNorm":{"width":1}}"#, r#"{"Linear":{"inputs":1,"outputs":1,"bias":false}}"#);
    // As much as is read, more lists than are, more bytes.
    for (parts, room) in [(4_000, (1 << 17) - 200), (5_000, 1 << 17), (1 << 18, 1 << 22)] {
        for (name, layers) in [
            ("activations", list(room.min(23 * parts), r#"{"Activation":"Relu"},"#)),
            ("residuals", list(room.min(16 * parts / 2), r#"{"Residual":[]},"#)),
            ("residuals of one", list(room.min(38 * parts / 3), r#"{"Residual":[{"Activation":"Relu"}]},"#)),
            ("deep residuals", list(15 * parts / 2, &nested(""))),
            ("deep norms", list(15 * parts / 2, &nested(norm))),
            ("norms", list(room.min(24 * parts / 2), &format!("{norm},"))),
            ("linears", list(room.min(50 * parts / 2), &format!("{linear},"))),
            ("empty parallel", format!(r#"[{{"Parallel":[{}[]]}},{bad}]"#, "[],".repeat(parts))),
            ("parallel", format!(r#"[{linear},{{"Parallel":[{}[{norm}]]}},{bad}]"#, "[],".repeat(parts))),
            ("unknown layer", format!(r#"[{{"{}":{{}}}}]"#, "a".repeat(room))),
            ("unknown, escaped", format!(r#"[{{"{}":{{}}}}]"#, r"\n".repeat(room / 2))),
            ("custom", format!(r#"[{{"Custom":{{"name":"{}","options":""}}}}]"#, r"\n".repeat(room / 2))),
            ("number", format!(r#"[{{"Dropout":{{"p":{}}}}}]"#, "1".repeat(room))),
            ("depth", r#"[{"Residual":"#.repeat(room / 13)),
        ] {
            let weights = layers.matches("RmsNorm").count() + layers.matches("Linear").count();
            write(&path, &layers, weights, (None, None), ("", ""));
            let message = refused(&path, name, A_LITTLE, || load_model::<f32>(&path));
            let parts = layers.matches(['[', '{']).count();
            let is_read = layers.len() <= 1 << 17 && parts <= 1 << 12;
            assert_eq!(message.contains("of JSON; expected"), !is_read, "{name}: {message}");
        }
    }
}

#[test]
fn parts_take_what_they_are() {
    let folder = Folder::new();
    let path = folder.file("net.model");
    let linear = r#"[{"Linear":{"inputs":1000,"outputs":1000,"bias":false}}]"#;
    let scaler = |columns: usize, scale: f64| Some((vec![0.0; columns], vec![scale; columns]));
    // Norms that learn nothing are as wide as is said.
    let options = r#"{"elementwise_affine":false}"#;
    let wide = format!(r#"[{{"RmsNorm":{{"width":1000000,"options":{options}}}}}]"#);
    let names = "\0".repeat(1_000_000);
    for (layers, weights, scalers, names, expected) in [
        (linear, 1_000_000, (None, None), ("a\0", ""), "number of feature names is 1; expected 1000"),
        (linear, 1_000_000, (None, scaler(1000, 0.0)), ("", ""), "scaler of y: scale of column 0 is 0"),
        (linear, 1_000_001, (None, None), ("", ""), "number of weights is 1000001; expected 1000000"),
        (&wide, 0, (scaler(1_000_000, 1.0), scaler(1, 1.0)), ("", ""), "number of columns of the scaler of y is 1"),
        (&wide, 0, (scaler(1_000_000, 1.0), scaler(1_000_000, 0.0)), ("", ""), "scaler of y: scale of column 0 is 0"),
        (&wide, 0, (None, None), (&names, &names[1..]), "number of output names is 999999; expected 1000000"),
        (r#"[{"Dropout":{"p":2}}]"#, 1_000_000, (None, None), ("", ""), "dropout p is 2"),
        (r#"[{"Activation":"Relu"}]"#, 1_000_000, (None, None), ("", ""), "number of weights is 1000000; expected 0"),
    ] {
        write(&path, layers, weights, scalers, names);
        // A model is made once there are as many weights as its layers have, and makes a layer's before it has them.
        let made = if layers == linear { 4 * weights } else { 0 };
        let message = refused(&path, expected, made + A_LITTLE, || load_model::<f32>(&path));
        assert!(message.contains(expected), "{message}");
    }
    // Numbers that would come, if there were so many.
    for (layers, count) in [(linear, 1_000_000_u64), (&wide, 1 << 60)] {
        file::write(&path, "model", &(layers, 0_u32, count)).unwrap();
        let message = refused(&path, "weights", A_LITTLE, || load_model::<f32>(&path));
        assert!(message.contains("number of weights is ") && message.contains("0 at most, for which"), "{message}");
    }
    for count in [1_u64 << 20, 1 << 61, u64::MAX] {
        file::write(&path, "model", &(&wide, 0_u32, 0_u64, true, count, [0.5_f64; 3])).unwrap();
        let message = refused(&path, "means", A_LITTLE, || load_model::<f32>(&path));
        let expected =
            format!("scaler of x: number of means is {count}; expected 3 at most, for which there are bytes");
        assert!(message.contains(&expected), "{message}");
    }
}
