export { fairShareOf, networkOf, widerNetworksOf } from '../http/network-of.js';
