//! Weights go to safetensors and back; a file that is wrong is refused, with all that is wrong about it.

mod counting;
mod folder;

use counting::peak;
use folder::Folder;
use safetensors::{Dtype, tensor::TensorView};
use std::path::Path;
use wane_autodiff::ndarray::{Array0, array};
use wane_autodiff::rand::{RngExt, SeedableRng};
use wane_autodiff::{Float, Params, Rng};
use wane_layers::Sequential;
use wane_train::{OtherPrecision, load_safetensors, save_safetensors};

fn params<T: Float>(seed: u64) -> Params<T> {
    let mut params = Params::new();
    let net = Sequential::new().linear(3, 2).tanh().linear(2, 1);
    net.build(params.at("net"), &mut Rng::seed_from_u64(seed)).unwrap();
    params.root().add("temperature", &Array0::from_elem((), T::of(0.1))).unwrap();
    params
}

#[track_caller]
fn refused(path: &Path, precision: OtherPrecision) -> String {
    let mut params = params::<f32>(1);
    let before = params.as_slice().to_vec();
    let length = std::fs::metadata(path).unwrap().len() as usize;
    let (result, held) = peak(|| load_safetensors(path, &mut params, precision));
    let message = result.expect_err("refused").to_string();
    assert_eq!(params.as_slice(), before, "{message}");
    assert!(held <= length + (1 << 20), "{message}: held {held} of {length} bytes");
    message.replace(&format!("{path:?}: "), "")
}

/// A file of this header and so many bytes behind it.
fn with_header(path: &Path, header: &str, bytes: usize) {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(vec![0; bytes]);
    std::fs::write(path, file).unwrap();
}

#[test]
fn weights_come_back_to_the_last_bit() {
    fn check<T: Float>() {
        let folder = Folder::new();
        let path = folder.file("net.safetensors");
        let mut saved = params::<T>(0);
        let bias = saved.id("net.0.bias").unwrap();
        saved.set(bias, &array![T::nan(), T::neg_infinity()]).unwrap();
        saved.freeze(&[bias]).unwrap();
        save_safetensors(&path, &saved).unwrap();
        let mut loaded = params::<T>(1);
        load_safetensors(&path, &mut loaded, OtherPrecision::Refuse).unwrap();
        let bits = |params: &Params<T>| params.as_slice().iter().map(|x| x.widen().to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&loaded), bits(&saved));
        let first = std::fs::read(&path).unwrap();
        save_safetensors(&path, &loaded).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
        assert_eq!(folder.names(), ["net.safetensors"]);
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn other_precision_is_taken_when_asked_for() {
    let folder = Folder::new();
    let path = folder.file("net.safetensors");
    let wide = params::<f64>(0);
    save_safetensors(&path, &wide).unwrap();
    let names = "net.0.weight F64, net.0.bias F64, net.2.weight F64, net.2.bias F64, temperature F64";
    let expected = "one for each parameter, of its shape, float32 (OtherPrecision::Convert takes float16, bfloat16, \
                    float32 and float64)";
    let message = format!("list of entries is of another dtype: {names}; expected {expected}");
    assert_eq!(refused(&path, OtherPrecision::Refuse), message);

    let mut narrow = params::<f32>(1);
    load_safetensors(&path, &mut narrow, OtherPrecision::Convert).unwrap();
    assert!(narrow.as_slice().iter().zip(wide.as_slice()).all(|(&narrow, &wide)| narrow == wide as f32));
    save_safetensors(&path, &narrow).unwrap();
    let mut wide = params::<f64>(1);
    load_safetensors(&path, &mut wide, OtherPrecision::Convert).unwrap();
    assert!(narrow.as_slice().iter().zip(wide.as_slice()).all(|(&narrow, &wide)| f64::from(narrow) == wide));
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let folder = Folder::new();
    let path = folder.file("net.safetensors");
    let zeros = [0; 64];
    let view = |dtype: Dtype, shape: &[usize]| {
        let bytes = shape.iter().product::<usize>() * dtype.bitsize() / 8;
        TensorView::new(dtype, shape.to_vec(), &zeros[..bytes]).unwrap()
    };
    let entries = [
        ("net.0.weight", view(Dtype::F32, &[3, 2])),
        ("net.0.bias", view(Dtype::BOOL, &[2])),
        ("net.2.weight", view(Dtype::I64, &[1, 2])),
        ("temperature", view(Dtype::F32, &[1])),
        ("net.4.weight", view(Dtype::F32, &[1, 1])),
    ];
    std::fs::write(&path, safetensors::serialize(entries, None).unwrap()).unwrap();
    for (precision, dtypes) in [
        (OtherPrecision::Refuse, "float32 (OtherPrecision::Convert takes float16, bfloat16, float32 and float64)"),
        (OtherPrecision::Convert, "float32 or another of float16, bfloat16, float32 and float64"),
    ] {
        assert_eq!(
            refused(&path, precision),
            format!(
                "list of entries is missing: net.2.bias; unexpected: net.4.weight; misshapen: net.0.weight (3, 2) for \
                 (2, 3), temperature (1,) for (); of another dtype: net.0.bias BOOL, net.2.weight I64; expected one for \
                 each parameter, of its shape, {dtypes}"
            )
        );
    }
}

#[test]
fn damaged_files_are_refused() {
    let folder = Folder::new();
    let path = folder.file("net.safetensors");
    save_safetensors(&path, &params::<f32>(0)).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for len in 0..whole.len() {
        std::fs::write(&path, &whole[..len]).unwrap();
        let message = refused(&path, OtherPrecision::Refuse);
        assert!(if len < 8 { message.starts_with("file is") } else { message.contains("cut off") }, "{len}: {message}");
    }
    std::fs::write(&path, [&whole[..], b"\n"].concat()).unwrap();
    assert!(refused(&path, OtherPrecision::Refuse).contains("cut off or has grown"));

    let entry = |name: &str, shape: &str, begin: u64, end: u64| {
        format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[{begin},{end}]}}"#)
    };
    let max = u64::MAX;
    for (header, bytes, expected) in [
        (String::new(), 0, "header is undecodable"),
        ("[]".to_owned(), 0, "header is undecodable"),
        ("{".to_owned() + &r#""a":{"#.repeat(10_000), 0, "header is undecodable"),
        (r#"{"__metadata__":{"a":"#.to_owned() + &"[".repeat(10_000), 0, "header is undecodable"),
        (r#"{"__metadata__":{"a":1}}"#.to_owned(), 0, "header is undecodable"),
        ("{} {}".to_owned(), 0, "header is undecodable"),
        (format!("{{{}}}", entry("a", "[2]", 0, 8)), 4, "number of bytes behind the header is 4; expected 8"),
        (format!("{{{}}}", entry("a", "[2]", 4, 12)), 12, "invalid offset for tensor `a`"),
        (format!("{{{}}}", entry("a", "[2]", 8, 0)), 8, "invalid offset"),
        (format!("{{{}}}", entry("a", "[-1]", 0, 0)), 0, "header is undecodable"),
        (format!("{{{}}}", entry("a", "[3]", 0, 8)), 8, "invalid shape, data type, or offset"),
        (format!("{{{}}}", entry("a", &format!("[{max},2]"), 0, 8)), 8, "overflow"),
        (
            format!("{{{}}}", entry("a", &format!("[{}]", 1_u64 << 40), 0, 1 << 42)),
            8,
            "number of bytes behind the header",
        ),
        (format!("{{{},{}}}", entry("a", "[2]", 0, 8), entry("b", "[2]", 4, 12)), 12, "invalid offset for tensor `b`"),
        (format!("{{{},{}}}", entry("a", "[2]", 0, 8), entry("a", "[2]", 8, 16)), 16, "a name stands twice"),
    ] {
        with_header(&path, &header, bytes);
        let message = refused(&path, OtherPrecision::Convert);
        assert!(message.contains(expected), "{message}");
    }
    // Sizes that reach the end of u64 together.
    let (part, shape) = (1_u64 << 60, format!("[{}]", 1_u64 << 58));
    let header: Vec<_> = (0..16).map(|i| entry(&i.to_string(), &shape, i * part, (i + 1).wrapping_mul(part))).collect();
    with_header(&path, &format!("{{{}}}", header.join(",")), 0);
    assert!(refused(&path, OtherPrecision::Convert).contains("header is undecodable"));
    with_header(&path, &format!("{{{}}}", header[..15].join(",")), 0);
    assert!(refused(&path, OtherPrecision::Convert).contains("number of bytes behind the header"));

    std::fs::write(&path, [max.to_le_bytes(), *b"{}      "].concat()).unwrap();
    assert!(refused(&path, OtherPrecision::Refuse).starts_with(&format!("length of the header is {max}")));
}

#[test]
fn flipped_bits_do_no_harm() {
    let folder = Folder::new();
    let path = folder.file("net.safetensors");
    let saved = params::<f32>(0);
    save_safetensors(&path, &saved).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let numbers = saved.as_slice().len() * 4;
    let mut rng = Rng::seed_from_u64(0);
    for _ in 0..2_000 {
        let mut bytes = whole.clone();
        // In the header: numbers have no checksum, any are as good as others.
        let at = rng.random_range(0..whole.len() - numbers);
        bytes[at] ^= 1 << rng.random_range(0..8);
        std::fs::write(&path, &bytes).unwrap();
        let mut params = params::<f32>(1);
        let (_, held) = peak(|| load_safetensors(&path, &mut params, OtherPrecision::Refuse));
        assert!(held <= bytes.len() + (1 << 20), "held {held} bytes");
    }
}

#[test]
fn an_unwritable_place_is_an_error() {
    let folder = Folder::new();
    let path = folder.file("net.safetensors");
    save_safetensors(&path, &params::<f32>(0)).unwrap();
    let message = save_safetensors(path.join("below"), &params::<f32>(0)).unwrap_err().to_string();
    assert!(message.contains("file is not written"), "{message}");
    assert!(load_safetensors(folder.file("missing"), &mut params::<f32>(0), OtherPrecision::Refuse).is_err());
    assert_eq!(folder.names(), ["net.safetensors"]);
}
