/** The style of a report, and of any page that shows its sections. */
export const reportStyle = `:root{color-scheme:light dark;--ink:#1c2430;--dim:#5b6675;--ground:#fff;--panel:#f4f6f9;--rule:#d5dbe3;--line:#1f6feb;--area:#1f6feb22;--fault:#d9363e24;--mark:#8a5a00;--good:#1a7f4b;--warn:#9a6700;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--dim:#9aa7b8;--ground:#10151c;--panel:#182029;--rule:#2c3846;--line:#6cb0ff;--area:#6cb0ff26;--fault:#ff6b6b2b;--mark:#e3b341;--good:#57c98a;--warn:#e3b341;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:56rem;padding:1rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground);overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0 1rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}h3{font-size:1.05rem;margin:0}
p{margin:.5rem 0}ul,ol{margin:.5rem 0;padding-left:1.4rem}a{color:var(--line)}
code{font:.9em ui-monospace,monospace;background:var(--panel);border:1px solid var(--rule);border-radius:.25rem;padding:0 .25rem}
time{font-variant-numeric:tabular-nums}.dim{color:var(--dim);font-size:.9rem}
.verdict{border-left:.4rem solid var(--dim);background:var(--panel);padding:.5rem 1rem}.verdict strong{text-transform:uppercase}
.healthy,.pass{border-color:var(--good)}.healthy strong,.pass strong{color:var(--good)}
.degraded,.warn{border-color:var(--warn)}.degraded strong,.warn strong{color:var(--warn)}
.down,.fail{border-color:var(--bad)}.down strong,.fail strong{color:var(--bad)}
.cause{border:1px solid var(--rule);border-radius:.5rem;padding:1rem;margin:.75rem 0}
.lever{background:var(--panel);border-radius:.35rem;padding:.5rem .75rem}
.chart{margin:.75rem 0 0}.chart figcaption{font-size:.9rem}svg{display:block;overflow:visible}
.chart>svg{background:var(--panel)}.line{fill:none;stroke:var(--line);stroke-width:1.5}.area{fill:var(--area);stroke:none}
.fault{fill:var(--fault)}.mark{stroke:var(--mark);stroke-width:1;stroke-dasharray:3 3}
.tick{fill:var(--dim);font-size:11px}.number{fill:var(--mark);font-size:12px;font-weight:600}
.happened{font-size:.9rem}.losses{list-style:none;padding:0}.losses li{margin:.4rem 0}
.tag{display:inline-block;min-width:4.5rem;text-align:center;border:1px solid currentColor;border-radius:1rem;padding:0 .5rem;font-size:.8rem}
.not-lost{color:var(--good)}.late{color:var(--warn)}.refused{color:var(--warn)}.lost{color:var(--bad)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.95rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;font-weight:400;padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--rule);vertical-align:top}thead th{color:var(--dim);font-size:.85rem}
meter{width:4rem;height:.7rem}dt{font-weight:600;margin-top:.5rem}dd{margin:0}
`
