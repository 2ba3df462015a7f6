"""The rule packs: one TOML file per trade type, region and time of effect. Read by `trading.rulepack`."""
