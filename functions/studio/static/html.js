// The one door to the vendored libraries: views, components and state import from here alone.
import { h, render, Fragment } from "preact";
import { useState, useEffect, useLayoutEffect, useRef, useMemo } from "preact/hooks";
import { signal, computed, effect, batch } from "@preact/signals";
import htm from "htm";

export const html = htm.bind(h);
export { render, Fragment, useState, useEffect, useLayoutEffect, useRef, useMemo, signal, computed, effect, batch };
