# The parts of `cargo xtask test` (`--list`), under their names, as far as a build without a network can run them. What cannot:
#
# tools        installs from Debian, PyPI and npm.
# advisories   fetches the database of vulnerabilities.
# conformance  runs the official suite, which npm installs.
# repro, vm    build and boot with Debian's packages.
# units        asks for the scores of our daemons only: what they say beside a distribution's takes Debian's packages.
# tests        are those of libraries and programs; what talks to other people's clients needs what `tools` installs.
# nix          reads all Nix files; the scripts for Arch want to be root.
{
  pkgs,
  craneLib,
  sources,
  xtask,
  profile,
}: let
  inherit (pkgs) lib;
  # The highest scores that the units of our daemons may have, in tenths: `GATES` and `GATE` in crates/xtask/src/units.rs.
  gates = {
    "llmbasedos-fs.service" = "3";
    "llmbasedos-gateway.service" = "11";
  };
  gate = "15";
  common = {
    pname = "llmbasedos";
    inherit (sources) version;
    src = sources.checkout;
    cargoVendorDir = craneLib.vendorCargoDeps {src = sources.cargo;};
    strictDeps = true;
    env.CARGO_PROFILE = "ci";
  };
  workspace = "--locked --workspace";
  cargoArtifacts = craneLib.buildDepsOnly (common
    // {
      src = sources.cargo;
      cargoExtraArgs = workspace;
    });
  build = craneLib.cargoBuild (common
    // {
      inherit cargoArtifacts;
      cargoExtraArgs = "${workspace} --lib --bins --tests --examples";
      doInstallCargoArtifacts = true;
      doCheck = false;
    });
  # A command of the project. Cargo's own folder is not at the top of the source, which is looked at.
  command = name: arguments:
    craneLib.mkCargoDerivation (common
      // {
        pname = "llmbasedos-${name}";
        cargoArtifacts = null;
        doInstallCargoArtifacts = false;
        preUnpack = ''
          export CARGO_HOME=$NIX_BUILD_TOP/cargo-home LLMBASEDOS_CACHE=$NIX_BUILD_TOP/cache
          mkdir -p "$CARGO_HOME"
        '';
        buildPhaseCargoCommand = "${lib.getExe xtask} ${arguments}";
        installPhaseCommand = "mkdir -p $out";
      });
in {
  inherit build;
  fmt = craneLib.cargoFmt {inherit (common) pname version src;};
  tidy = command "tidy" "tidy";
  deny = craneLib.cargoDeny (common
    // {
      cargoDenyExtraArgs = "--config .cargo/deny.toml";
      cargoDenyChecks = "--hide-inclusion-graph licenses bans sources";
    });
  clippy = craneLib.cargoClippy (common
    // {
      inherit cargoArtifacts;
      cargoExtraArgs = workspace;
      cargoClippyExtraArgs = "--all-targets -- -D warnings";
    });
  docs = craneLib.cargoDoc (common
    // {
      inherit cargoArtifacts;
      cargoExtraArgs = workspace;
      cargoDocExtraArgs = "--document-private-items --no-deps";
      env = common.env // {RUSTDOCFLAGS = "-D warnings";};
    });
  doctests = craneLib.cargoDocTest (common
    // {
      cargoArtifacts = build;
      cargoExtraArgs = workspace;
    });
  fuzz = command "fuzz" "campaign fuzz --seconds 10";
  units = pkgs.runCommand "llmbasedos-units" {nativeBuildInputs = [pkgs.systemd];} ''
    cp -r ${profile}/airootfs root
    chmod -R u+w root
    declare -A gates=(${lib.concatStrings (lib.mapAttrsToList (unit: gate: "[${unit}]=${gate} ") gates)})
    for unit in root/usr/lib/systemd/system/{llmbasedos-*,luca-shell@}.service; do
      unit=''${unit##*/}
      systemd-analyze security --offline=true --no-pager --root="$PWD/root" --threshold="''${gates[$unit]:-${gate}}" "''${unit/@./@tty1.}"
    done
    touch $out
  '';
  tests = craneLib.cargoNextest (common
    // {
      cargoArtifacts = build;
      cargoExtraArgs = workspace;
      cargoNextestExtraArgs = "--profile ci --lib --bins";
      nativeBuildInputs = [pkgs.git];
    });
  nix = pkgs.runCommand "llmbasedos-nix" {nativeBuildInputs = [pkgs.nix];} ''
    export NIX_STATE_DIR=$PWD/state
    find ${sources.checkout} -name '*.nix' -exec nix-instantiate --store dummy:// --parse {} + > /dev/null
    touch $out
  '';
}
