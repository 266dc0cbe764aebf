/** Invented patients in any number: names of several languages with common and rare ones, phones, one or two identifiers, addresses. */
import type { PatientRow } from '../../src-main/core/ports.ts';
import type { Random } from './random.ts';

const families = (
  'Smith Garcia Singh Nguyen Müller Kumar Khan Silva Johnson Ali Fernández Ivanov Brown Santos Rossi Kim Ahmed Jones Chen García-López Patel ' +
  'Schmidt Martin Hernández Hussain Williams Papadopoulos Sharma Kowalski Lopes Rodríguez Jansen Okafor Mensah Andersson Novák Horvat Wójcik ' +
  'Dubois Lefèvre Moreau Bianchi Ricci Costa Pereira Almeida Yılmaz Kaya Demir Haddad Mansour Farah Abebe Tesfaye Mwangi Otieno Kamau Ndlovu ' +
  'Dlamini Mokoena Banda Phiri Diallo Traoré Keïta Diop Ndiaye Sow Rahman Chowdhury Begum Das Ghosh Mukherjee Iyer Reddy Nair Menon Pillai ' +
  "Fernando Perera Wickramasinghe Gurung Thapa Tamang O'Brien O'Connor Murphy Kelly Walsh Byrne McCarthy MacDonald Campbell Stewart Robertson " +
  'Thomson Taylor Davies Evans Wilson Roberts Wright Walker White Green Hall Clarke Jackson Wood Harris Lewis Scott Cooper King Baker Turner ' +
  'Hill Moore Ward Morris Watson Cook Bell Bailey Parker Collins Edwards Hughes Reed Bennett Ross Gray Foster Powell Jenkins Perry Russell ' +
  'Sullivan Bakker Visser de-Vries van-den-Berg Mulder Peeters Claes Lindqvist Bergström Johansen Nielsen Ødegård Virtanen Korhonen Kask Tamm ' +
  'Bērziņš Kazlauskas Popescu Ionescu Dimitrov Petrović Jovanović Kovačević Szabó Nagy Tóth Kovács Shevchenko Kovalenko Bondarenko Petrov ' +
  'Smirnova Kuznetsov Sokolova Grigoryan Hakobyan Beridze Aliyev Karimov Nazarbayev Tanaka Suzuki Watanabe Yamamoto Park Lee Choi Wang Zhang Liu ' +
  'Huang Tran Pham Hoang Vu Dang Sutrisno Wijaya Hidayat Reyes Cruz Bautista Ocampo Villanueva Mendoza Castillo Vargas Quispe Mamani Huamán'
).split(' ');
const givens = (
  'Maria Mohammed Anna John Fatima David Aisha James Sofia Ahmed Elena Michael Priya Daniel Olga Robert Amina Thomas Laura Ali Sarah Joseph Leila ' +
  'Peter Ana Carlos Julia Omar Nina José Emma Hassan Chloé Paul Mei Ibrahim Lucía Samuel Yuki Luis Grace Abdul Ingrid Juan Zainab Stephen Rosa ' +
  'Andrew Noor Viktor Hannah Mark Khadija Simon Aaliyah Jakub Camille Antonio Esther Kwame Ruth Emeka Wanjiru Tunde Nomvula Thabo Adwoa Kofi ' +
  'Ngozi Chidi Folake Yusuf Mariam Idris Salma Karim Rania Tariq Deepa Ravi Sunita Anil Lakshmi Suresh Meena Vijay Kavita Arjun Ishaan Ananya ' +
  "Rohan Siobhán Conor Aoife Niamh Seán Fiona Callum Isla Ewan Catherine Alexander Margaret Benjamin Charlotte William D'Angelo Jean-Pierre " +
  'Marie-Claire Anne-Sophie François Élise Benoît Günter Jürgen Birgit Søren Astrid Björn Freja Łukasz Agnieszka Zofia Ondřej Jiří Zuzana Miloš ' +
  'Svetlana Dmitri Oksana Taras Nataliya Giorgi Nino Aigul Timur Hiroshi Sakura Kenji Ji-woo Min-jun Xiaoming Linh Thuy Putri Agus Maricel Jorge ' +
  'Ximena Guadalupe Alejandro Valentina Mateo Renata Thiago Beatriz João Inês'
).split(' ');
const streets = ['Station Road', 'High Street', 'Mill Lane', 'Church Road', 'Market Square', 'Lake View', 'River Street', 'Hospital Road'];
const towns = ['Ashford', 'Kisumu', 'Nagpur', 'Leiden', 'Tarnów', 'Cuenca', 'Bergen', 'Mombasa', 'Coimbra', 'Pécs'];
const countries = ['+44 20 ', '+254 7', '+91 98', '+31 6 ', '+48 60', '+593 9', '+47 4', '+351 91'];

/** Ends that make a rare family name of a common one: a population has tens of thousands of names, not two hundred. */
const ends = 'son sen ski wala pour adze yan escu ova ini ez dóttir berg mann feld wood ley ton'.split(' ');

/** A patient with this account. */
export function inventPatient(random: Random, patient: string): PatientRow {
  const common = random.common(families);
  const family = random.below(100) < 35 ? `${common.replace(/[^\p{L}]/gu, '')}${random.pick(ends)}` : common;
  const second = random.below(100);
  const given = `${random.common(givens)}${second < 40 ? ` ${random.common(givens)}` : ''}`;
  const birthYear = 1930 + random.below(96);
  const birthDate = `${birthYear}-${String(1 + random.below(12)).padStart(2, '0')}-${String(1 + random.below(28)).padStart(2, '0')}`;
  const identifiers = [
    { system: 'urn:example:national-id', label: 'National ID', value: `${random.digits(2)}-${random.digits(4)} ${random.digits(4)}` },
  ];
  if (random.below(2) === 0) identifiers.push({ system: 'urn:example:mrn', label: 'MRN', value: `MRN${random.digits(7)}` });
  return {
    patient,
    family: second < 6 ? `${family} ${random.common(families)}` : family,
    given,
    prefix: '',
    birthDate,
    birthDateEstimated: random.below(20) === 0,
    deceased: '',
    gender: random.pick(['female', 'male']),
    phone: random.below(100) < 85 ? `${random.pick(countries)}${random.digits(3)} ${random.digits(4)}` : '',
    address: `${1 + random.below(200)} ${random.pick(streets)}, ${random.pick(towns)}`,
    identifiers,
    updatedAt: 1_790_000_000_000,
  };
}

/** Account of the n-th invented patient: an address by its form; nobody has its key. */
export function inventedAccount(n: number): string {
  return `0x${(0xbe4c4n * 2n ** 64n + BigInt(n)).toString(16).padStart(40, '0')}`;
}
