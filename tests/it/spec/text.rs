//! The text of a file before it means anything.

use podform::spec::{Diagnostics, Form};

use super::{Case, mistakes, rendered, with_head};

fn bytes(bytes: &[u8]) -> String {
    rendered(Case { files: vec![("pods.yaml", bytes)], ..Case::default() }.load())
}

#[test]
fn a_file_that_is_missing() {
    let diagnostics = Diagnostics::unreadable("pods.yaml", "no such file");
    insta::assert_snapshot!(diagnostics.render(Form::Plain), @r#"
    error: cannot read the spec file: `pods.yaml`: no such file
     |
     = help: name the file with `-f FILE`, or write a new one with `podform init`
    "#);
    insta::assert_snapshot!(diagnostics.render(Form::Short), @"error: cannot read the spec file: `pods.yaml`: no such file; name the file with `-f FILE`, or write a new one with `podform init`");
}

#[test]
fn a_file_that_is_not_utf8() {
    insta::assert_snapshot!(bytes(b"version: 1\nproject: caf\xe9\n"), @r#"
    error: the file is not UTF-8 text
     --> pods.yaml:2:13
      |
    2 | project: caf�
      |             ^ the byte 0xe9 is no part of any character
    "#);
    insta::assert_snapshot!(bytes(b"\xff\xfev\0e\0r\0"), @r#"
    error: the file is not UTF-8 text
     --> pods.yaml:1:1
      |
    1 | ��v\u{0}e\u{0}r\u{0}
      | ^ the byte 0xff is no part of any character
      |
      = help: it looks like UTF-16; save it as UTF-8
    "#);
}

#[test]
fn a_file_that_is_empty() {
    insta::assert_snapshot!(bytes(b""), @r#"
    error: the file is empty: `pods.yaml` holds no keys
     |
     = help: a spec begins with `version: 1` and `project: NAME`; `podform init` writes one with comments
    "#);
    insta::assert_snapshot!(bytes(b"# nothing yet\n"), @r#"
    error: the file is empty: `pods.yaml` holds no keys
     |
     = help: a spec begins with `version: 1` and `project: NAME`; `podform init` writes one with comments
    "#);
}

#[test]
fn a_file_that_is_no_map() {
    insta::assert_snapshot!(mistakes("- version: 1\n"), @r#"
    error: wrong type
     --> pods.yaml:1:1
      |
    1 | - version: 1
      | ^^^^^^^^^^^^ expected a map with `version`, `project` and `pods`, found a list
    "#);
    insta::assert_snapshot!(mistakes("hello\n"), @r#"
    error: wrong type
     --> pods.yaml:1:1
      |
    1 | hello
      | ^^^^^ expected a map with `version`, `project` and `pods`, found a text
    "#);
}

#[test]
fn a_byte_order_mark_is_skipped() {
    insta::assert_snapshot!(bytes(b"\xef\xbb\xbfversion: 1\nproject: Demo\n"), @r#"
    error: invalid name
     --> pods.yaml:2:10
      |
    2 | project: Demo
      |          ^^^^ `Demo` is no project name: lower-case letters, digits and `-`, 1 to 40 characters
    "#);
}

#[test]
fn tabs_are_named_all_at_once() {
    insta::assert_snapshot!(mistakes("version: 1\npods:\n\tllm:\n\t\timage: a\n"), @r#"
    error: tab character in the indentation
     --> pods.yaml:3:1
      |
    3 |     llm:
      | ^^^^ YAML indents with spaces only

    error: tab character in the indentation
     --> pods.yaml:4:1
      |
    4 |         image: a
      | ^^^^^^^^ YAML indents with spaces only
    "#);
    insta::assert_snapshot!(mistakes("version: 1\npods:\n  llm:\n  \timage: a\n"), @r#"
    error: tab character in the indentation
     --> pods.yaml:4:3
      |
    4 |       image: a
      |   ^^^^ YAML indents with spaces only
    "#);
}

#[test]
fn quotes_and_brackets_that_are_never_closed() {
    insta::assert_snapshot!(mistakes("project: \"demo\n"), @r#"
    error: invalid YAML
     --> pods.yaml:1:14
      |
    1 | project: "demo
      |              ^ a quoted text is not closed by this place
    "#);
    insta::assert_snapshot!(mistakes("pods: { llm: { image: a }\n"), @r#"
    error: invalid YAML
     --> pods.yaml:1:7
      |
    1 | pods: { llm: { image: a }
      |       ^ the `{` is never closed
    "#);
    insta::assert_snapshot!(mistakes("pods: [a, b}\n"), @r#"
    error: invalid YAML
     --> pods.yaml:1:7
      |
    1 | pods: [a, b}
      |       ^ `}` closes what `[` opened
    "#);
}

#[test]
fn a_line_that_is_indented_wrongly() {
    insta::assert_snapshot!(mistakes("version: 1\npods:\n  llm:\n    image: a\n   gpu: L40S\n"), @r#"
    error: invalid YAML
     --> pods.yaml:5:4
      |
    5 |    gpu: L40S
      |    ^ expected `key: value` here: check the indentation
    "#);
    insta::assert_snapshot!(mistakes("version: 1\n project: demo\n"), @r#"
    error: invalid YAML
     --> pods.yaml:2:9
      |
    2 |  project: demo
      |         ^ a `:` cannot stand here: check the indentation, or quote the value
    "#);
}

#[test]
fn a_colon_in_an_unquoted_value() {
    insta::assert_snapshot!(mistakes("version: 1\nproject: a: b\n"), @r#"
    error: invalid YAML
     --> pods.yaml:2:11
      |
    2 | project: a: b
      |           ^ a `:` cannot stand here: check the indentation, or quote the value
    "#);
}

#[test]
fn variables_in_flow_style_need_quotes() {
    insta::assert_snapshot!(with_head("secrets: { hf: { runpod: ${NAME} } }\n"), @r#"
    error: invalid YAML
     --> pods.yaml:3:27
      |
    3 | secrets: { hf: { runpod: ${NAME} } }
      |                           ^ expected `,` or `}` here
      |
      = help: quote a value with `${...}` inside `{ }` or `[ ]`
    "#);
    insta::assert_snapshot!(with_head("secrets: { hf: { runpod: {{ NAME }} } }\n"), @r#"
    error: wrong type
     --> pods.yaml:3:26
      |
    3 | secrets: { hf: { runpod: {{ NAME }} } }
      |                          ^^^^^^^^^^ expected a text, found a map

    error: unsupported YAML feature
     --> pods.yaml:3:27
      |
    3 | secrets: { hf: { runpod: {{ NAME }} } }
      |                           ^^^^^^^^ a map cannot be a key
      |
      = help: quote a value that begins with `{` or `[`
    "#);
}

#[test]
fn duplicate_keys_show_both_places_and_come_all_at_once() {
    insta::assert_snapshot!(with_head("project: other\npods:\n  a: { image: x, gpu: L40S, image: y }\n  a: {}\n"), @r#"
    error: duplicate key
     --> pods.yaml:3:1
      |
    2 | project: demo
      | ------- first here
    3 | project: other
      | ^^^^^^^ `project` stands here for the second time

    error: duplicate key
     --> pods.yaml:5:29
      |
    5 |   a: { image: x, gpu: L40S, image: y }
      |        ----- first here     ^^^^^ `image` stands here for the second time

    error: duplicate key
     --> pods.yaml:6:3
      |
    5 |   a: { image: x, gpu: L40S, image: y }
      |   - first here
    6 |   a: {}
      |   ^ `a` stands here for the second time
    "#);
}

#[test]
fn a_second_document() {
    insta::assert_snapshot!(mistakes("version: 1\n---\nversion: 1\n"), @r#"
    error: more than one YAML document
     --> pods.yaml:2:1
      |
    2 | ---
      | ^^^ a spec file is one document; give each file its own `-f`
    "#);
}

#[test]
fn tags_and_unknown_anchors() {
    insta::assert_snapshot!(mistakes("version: !!int 1\nproject: demo\n"), @r#"
    error: unsupported YAML feature
     --> pods.yaml:1:10
      |
    1 | version: !!int 1
      |          ^^^^^ the tag `!!int`
      |
      = help: delete it; quotes make a text, and every other type follows from the key
    "#);
    insta::assert_snapshot!(mistakes("version: 1\nproject: *name\n"), @r#"
    error: invalid YAML
     --> pods.yaml:2:10
      |
    2 | project: *name
      |          ^ no anchor before this place has that name
    "#);
    insta::assert_snapshot!(mistakes("version: 1\nproject: demo\npods: &all\n  a: *all\n"), @r#"
    error: invalid YAML
     --> pods.yaml:4:6
      |
    4 |   a: *all
      |      ^^^^ the alias stands inside the value that it names
    "#);
}

#[test]
fn merge_keys_are_applied_and_mistakes_point_to_the_anchor() {
    insta::assert_snapshot!(with_head(
        "pods:\n  a: &base\n    image: x/y:1\n    gpu: L40S\n    ssh: maybe\n  b:\n    <<: *base\n    image: x/z:1\n"
    ), @r#"
    error: wrong type
     --> pods.yaml:7:10
      |
    7 |     ssh: maybe
      |          ^^^^^ expected `true` or `false`, found a text
    "#);
    insta::assert_snapshot!(with_head("pods:\n  a:\n    <<: 5\n    image: x\n    gpu: L40S\n"), @r#"
    error: wrong type
     --> pods.yaml:5:9
      |
    5 |     <<: 5
      |         ^ `<<` merges maps, and this is a whole number
    "#);
}

#[test]
fn line_ends_of_windows_change_nothing() {
    let text = super::pod("gpu: L40S\nenv: { A: b }\ncommand:\n- |\n  one\n  two\n");
    let desired = |text: &str| super::load_text(text).unwrap().desired;
    assert_eq!(desired(&text.replace('\n', "\r\n")), desired(&text));
}

#[test]
fn nesting_has_a_limit() {
    insta::assert_snapshot!(mistakes(&format!("a: {}{}\n", "[".repeat(70), "]".repeat(70))), @r#"
    error: nested too deeply
     --> pods.yaml:1:68
      |
    1 | a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]...
      |                                                                    ^ more than 64 levels
    "#);
}

#[test]
fn a_place_on_a_very_long_line_is_cut_out() {
    let text = format!(
        "version: 1\nproject: demo\npods: {{ a: {{ image: a, command: [\"{}\"], gpuCount: 2, gpu: L40S }} }}\n",
        "x".repeat(400)
    );
    insta::assert_snapshot!(mistakes(&text), @r#"
    error: unknown key
     --> pods.yaml:3:439
      |
    3 | ...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"], gpuCount: 2, gpu: L40S } }
      |                                                     ^^^^^^^^ a pod has no `gpuCount`
      |
      = help: it is written `gpu: "NAME:2"`, or `count:` under `gpu:` here
    "#);
}

#[test]
fn places_count_characters_and_not_bytes() {
    insta::assert_snapshot!(mistakes("version: 1\nproject: demo\npods: { \"héé\": 1, a: { imäge: x } }\n"), @r#"
    error: invalid name
     --> pods.yaml:3:9
      |
    3 | pods: { "héé": 1, a: { imäge: x } }
      |         ^^^^^ `héé` is no key: a lower-case letter, then lower-case letters, digits and `-`
      |
    help: write
      |
    3 - pods: { "héé": 1, a: { imäge: x } }
    3 + pods: { "h--": 1, a: { imäge: x } }
      |

    error: wrong type
     --> pods.yaml:3:16
      |
    3 | pods: { "héé": 1, a: { imäge: x } }
      |                ^ expected a map such as `{ image: ..., gpu: L40S }`, found a whole number

    error: missing key
     --> pods.yaml:3:19
      |
    3 | pods: { "héé": 1, a: { imäge: x } }
      |                   ^ the pod `a` needs `gpu` or `cpu`
      |
      = help: add `gpu: L40S`, or `cpu: { flavors: [cpu5c, cpu3c], vcpus: 4 }`

    error: unknown key
     --> pods.yaml:3:24
      |
    3 | pods: { "héé": 1, a: { imäge: x } }
      |                        ^^^^^ a pod has no `imäge`
      |
    help: did you mean
      |
    3 - pods: { "héé": 1, a: { imäge: x } }
    3 + pods: { "héé": 1, a: { image: x } }
      |
    "#);
}
