# The staged profile, which every builder of an image consumes: `archiso/` with units, configuration and daemons in its
# overlay. A pure copy, made by the project's own command, so that one place says what goes where.
{
  pkgs,
  craneLib,
  source,
  daemons,
}: let
  xtask = craneLib.buildPackage {
    src = source;
    strictDeps = true;
    pname = "xtask";
    version = "0.1.0";
    cargoExtraArgs = "--locked --package xtask";
    doCheck = false;
  };
  programs = [
    daemons.gateway
    daemons.cap-fs
    daemons.llmbasedos
    daemons.luca-shell
  ];
  link = program: "ln -s ${program}/bin/* programs/";
in
  pkgs.runCommand "llmbasedos-profile" {} ''
    mkdir programs
    ${builtins.concatStringsSep "\n" (map link programs)}
    ${xtask}/bin/xtask profile --source ${source} --programs programs $out
  ''
