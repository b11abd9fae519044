//! `vspecc new` and `vspecc completions`.

use crate::scene::Scene;

#[test]
fn a_new_folder_is_complete() {
    let scene = Scene::new(1);
    let done = scene.succeed(&["new", "some/My-net"]);
    assert!(done.stdout.contains("vspecc run my_net.vspec --max-steps 2"), "{}", done.stdout);
    assert_eq!(scene.names("some/My-net"), [".gitignore", "README.md", "my_net.vspec", "vspec.toml"]);
    let spec = "some/My-net/my_net.vspec";
    let checked = scene.succeed(&["check", spec]);
    assert!(!checked.stderr.contains("warning"), "{}", checked.stderr);
    scene.succeed(&["fmt", "--check", spec]);
    scene.succeed(&["test", spec]);
    scene.succeed(&["run", spec, "--max-steps", "2", "--set", "net.width=4"]);
    assert!(scene.path("runs/my_net/001/metrics.csv").is_file());
    for name in scene.names("some/My-net") {
        assert!(!scene.read(&format!("some/My-net/{name}")).contains("{name}"), "{name}");
    }
}

#[test]
fn nothing_is_overwritten_and_names_have_to_be_names() {
    let scene = Scene::new(1);
    scene.succeed(&["new", "net"]);
    let before = scene.bytes("net/net.vspec");
    assert!(scene.refuse(&["new", "net"]).contains("`net` exists already"));
    scene.write("file", "mine");
    assert!(scene.refuse(&["new", "file"]).contains("exists already"));
    assert_eq!(scene.bytes("net/net.vspec"), before);
    for name in ["7net", "my net", "if", "über", ".."] {
        let message = scene.refuse(&["new", name]);
        assert!(message.contains("no name for an experiment"), "{name}: {message}");
        assert!(name == ".." || !scene.path(name).exists(), "{name}");
    }
}

#[test]
fn shells_get_a_script_that_knows_the_commands() {
    let scene = Scene::new(1);
    for shell in ["bash", "zsh", "fish"] {
        let script = scene.succeed(&["completions", shell]).stdout;
        for word in ["vspecc", "run", "plot", "resume"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert!(scene.refuse(&["completions", "cmd"]).contains("possible values"));
}
