"""Words whose full stop never ends a sentence, in English, Spanish, French and German; lower case, no final stop.

Only what is followed by the word it belongs to: "etc." and "Inc." may well end a sentence, so they are not here.
"""

from __future__ import annotations

_WORDS = """
mr mrs ms dr prof st sr jr rev gen col sgt capt lt hon pres gov vs cf approx dept fig figs no nos vol pp ed eds
mt ft ave blvd rd jan feb mar apr jun jul aug sept sep oct nov dec
sra srta ud uds dña núm pág págs avda art cap
mme mmes mlle m mm av env éd
hr fr frl nr str bzw ca evtl ggf inkl exkl vgl usf bd abb kap tel abs z.b u.a d.h i.d.r
"""

ALWAYS_ABBREVIATED = frozenset(_WORDS.split())
