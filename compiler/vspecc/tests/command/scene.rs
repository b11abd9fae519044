//! A folder to run the program in, with a small experiment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// `{run}` says what runs.
const TINY: &str = r#"//! A small network on small drawings.

use std.losses.CrossEntropy
use std.metrics.accuracy
use std.nn.{BatchNorm, Conv, Linear, global_avg_pool}
use std.optim.sgd
use std.schedules.cosine

module Tiny(classes: int, width: int = 4) {
  stem = Conv(3, width, kernel = 3, stride = 2, bias = false)
  norm = BatchNorm(width)
  head = Linear(width, classes)

  forward(x: f32[B, 3, H, W]) -> f32[B, classes] {
    x |> stem |> norm |> relu |> global_avg_pool |> head
  }
}

experiment tiny {
  data train = shapes(64, size = 16) |> each(hflip(0.5)) |> shuffle |> batch(8)
  data val = shapes(24, size = 16, split = "val") |> batch(8)

  let net = Tiny(train.classes)
  let opt = sgd(lr = cosine(0.1), momentum = 0.9, weight_decay = 5e-4)

  step train(b from train) {
    let scores = net(b.image)
    term loss = CrossEntropy(label_smoothing = 0.1)(scores, b.label)
    report accuracy = accuracy(scores, b.label)
    minimize terms over net.params by opt
  }

  step evaluate(b from val) {
    let scores = net(b.image)
    report loss = CrossEntropy()(scores, b.label)
    report accuracy = accuracy(scores, b.label)
  }

  run {run}
}
"#;

/// A temporary folder in which the program runs.
pub(crate) struct Scene {
    folder: tempfile::TempDir,
}

/// What a finished process leaves.
pub(crate) struct Done {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Scene {
    /// A folder with `tiny.vspec`, which trains so many epochs of eight steps.
    pub(crate) fn new(epochs: usize) -> Scene {
        let run = "epochs of train, evaluate every epoch, keep best by lowest evaluate.loss";
        Scene::with_run(&format!("{epochs} {run}"))
    }

    /// A folder with `tiny.vspec`, which runs this.
    pub(crate) fn with_run(run: &str) -> Scene {
        let scene = Scene { folder: tempfile::tempdir().expect("a temporary folder") };
        scene.write("tiny.vspec", &TINY.replace("{run}", run));
        scene
    }

    /// Names in a folder, in alphabetical order.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
        let names = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("writable");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vspecc"));
        command.args(args).current_dir(self.folder.path()).env("NO_COLOR", "1").env("CI", "1");
        command.env_remove("VSPEC_DATA").stdin(Stdio::null());
        command
    }

    /// Runs to the end.
    pub(crate) fn vspecc(&self, args: &[&str]) -> Done {
        let Output { status, stdout, stderr } = self.command(args).output().expect("the program starts");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Done { status: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Runs to the end, which has to be a good one.
    pub(crate) fn succeed(&self, args: &[&str]) -> Done {
        let done = self.vspecc(args);
        assert_eq!(done.status, 0, "{args:?}: {}", done.stderr);
        done
    }

    /// Runs to an error in what was given: exit status 2 and a message, which is returned.
    pub(crate) fn refuse(&self, args: &[&str]) -> String {
        let done = self.vspecc(args);
        assert_eq!(done.status, 2, "{args:?}: {}", done.stderr);
        done.stderr
    }

    /// Starts without waiting.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
    }

    /// Waits until the checkpoint of a run that is in progress is at an iteration or past it.
    pub(crate) fn wait_for(&self, run: &str, iteration: u64, child: &mut Child) {
        let path = self.path(run).join("checkpoints/last.json");
        while iteration_of(&path).is_none_or(|reached| reached < iteration) {
            if let Ok(Some(status)) = child.try_wait() {
                panic!("the run ended with {status} before iteration {iteration}");
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

fn iteration_of(path: &Path) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    serde_json::from_str::<serde_json::Value>(&text).ok()?["iteration"].as_u64()
}
