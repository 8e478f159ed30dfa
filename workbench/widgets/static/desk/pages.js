// The pages of the desk in the order of their tabs. A new one is a class (static id and title; node, update()) and a line.
import { OverviewPage } from "./overview.js";
import { RiskPage } from "./risk.js";

export const PAGES = [OverviewPage, RiskPage];
